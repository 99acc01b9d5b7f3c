"""Cases of ChiSqSelector and UnivariateFeatureSelector."""
from ml_examples import case, dense, sparse

CATEGORIES = ("features VECTOR, label DOUBLE", [[dense(0.0, 0.0, 18.0, 1.0), 1.0], [dense(0.0, 1.0, 12.0, 0.0), 0.0], [dense(1.0, 0.0, 15.0, 0.1), 0.0],
                                                [dense(1.0, 1.0, 18.0, 1.0), 1.0], [dense(0.0, 1.0, 15.0, 1.0), 1.0], [sparse(4, {2: 12.0}), 0.0]])
CONTINUOUS = ("features VECTOR, label DOUBLE", [[dense(1.7, 4.4, 7.6, 5.8, 9.6, 2.3), 3.0], [dense(8.8, 7.3, 5.7, 7.3, 2.2, 4.1), 2.0], [dense(1.2, 9.5, 2.5, 3.1, 8.7, 2.5), 1.0],
                                                [dense(3.7, 9.2, 6.1, 4.1, 7.5, 3.8), 2.0], [dense(8.9, 5.2, 7.8, 8.3, 5.2, 3.0), 4.0], [dense(7.9, 8.5, 9.2, 4.0, 9.4, 2.1), 4.0],
                                                [dense(2.0, 4.0, 3.5, 4.25, 6.5, 1.0), 1.0], [sparse(6, {0: 4.0, 3: 2.5, 5: 3.0}), 3.0]])
SHOWN = ["out['selected'] = m.selectedFeatures", "out['transform'] = m.transform(df)"]


def selector(stage, family, id, description, code, df, model=None):
    if model:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = %sModel.load(MODEL_DIR)" % stage]
    return case(family, id, description, code + SHOWN, model=model, df=df)


def chi(id, description, arguments="", df=CATEGORIES, model=None):
    code = ["m = ChiSqSelector(outputCol='o'%s).fit(df)" % (", " + arguments if arguments else "")]
    return selector("ChiSqSelector", "chi_sq_selector", id, description, code, df, model)


def univariate(id, description, arguments, df=CONTINUOUS, model=None):
    names = {name: value for name, value in (part.split("=") for part in arguments.split(", ") if part)}
    calls = "".join(".set%s(%s)" % (name[0].upper() + name[1:], value) for name, value in names.items())
    code = ["m = UnivariateFeatureSelector(outputCol='o')%s.fit(df)" % calls]
    made = selector("UnivariateFeatureSelector", "univariate_selector", id, description, code, df, model)
    if "'fpr'" in arguments or "'fwe'" in arguments:  # Spark's order is an accident of its shuffle
        made["code"] = [line.replace("m.selectedFeatures", "sorted(m.selectedFeatures)") for line in made["code"]]
    return made


ANOVA = "featureType='continuous', labelType='categorical'"
F = "featureType='continuous', labelType='continuous'"
CHI = "featureType='categorical', labelType='categorical'"

CASES = [
    chi("top", "One feature", "numTopFeatures=1", model="chi_sq_selector"),
    chi("top_three", "Three features", "numTopFeatures=3"),
    chi("default", "Fifty features"),
    chi("percentile", "Half of the features", "selectorType='percentile', percentile=0.5"),
    chi("fpr", "By p-value", "selectorType='fpr', fpr=0.2"),
    chi("fdr", "By false discovery rate", "selectorType='fdr', fdr=0.3"),
    chi("fwe", "By family-wise error rate", "selectorType='fwe', fwe=0.6"),
    chi("none", "No feature", "selectorType='fpr', fpr=0.0001"),
    chi("bad_type", "A type that does not exist", "selectorType='best'"),
    chi("bad_fpr", "A rate above 1", "selectorType='fpr', fpr=1.5"),
    chi("string_label", "Labels of strings", df=("features VECTOR, label STRING", [[dense(1.0), "a"]])),
    univariate("anova_top", "ANOVA, one feature", ANOVA + ", selectionThreshold=1", model="univariate_selector"),
    univariate("anova_top_three", "ANOVA, three features", ANOVA + ", selectionThreshold=3"),
    univariate("anova_percentile", "ANOVA, half of the features", ANOVA + ", selectionMode='percentile', selectionThreshold=0.5"),
    univariate("anova_fpr", "ANOVA by p-value", ANOVA + ", selectionMode='fpr', selectionThreshold=0.4"),
    univariate("anova_fdr", "ANOVA by false discovery rate", ANOVA + ", selectionMode='fdr', selectionThreshold=0.9"),
    univariate("anova_fwe", "ANOVA by family-wise error rate", ANOVA + ", selectionMode='fwe', selectionThreshold=1.0"),
    univariate("anova_default", "ANOVA, defaults", ANOVA),
    univariate("f_top_two", "F-test, two features", F + ", selectionThreshold=2"),
    univariate("f_fpr", "F-test by p-value", F + ", selectionMode='fpr', selectionThreshold=0.3"),
    univariate("f_percentile_default", "F-test, a tenth of the features", F + ", selectionMode='percentile'"),
    univariate("chi_top", "Chi-squared, one feature", CHI + ", selectionThreshold=1", CATEGORIES),
    univariate("chi_fdr", "Chi-squared by false discovery rate", CHI + ", selectionMode='fdr', selectionThreshold=0.5", CATEGORIES),
    univariate("unsupported", "Categories against a continuous label", "featureType='categorical', labelType='continuous'"),
    univariate("no_types", "Types that are not set", ""),
    univariate("bad_threshold", "Half a feature", ANOVA + ", selectionThreshold=1.5"),
    univariate("bad_share", "More than all features", ANOVA + ", selectionMode='percentile', selectionThreshold=1.5"),
    univariate("bad_mode", "A mode that does not exist", ANOVA + ", selectionMode='all'"),
]
