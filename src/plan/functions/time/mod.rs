//! Functions of dates, timestamps and intervals, and the windows of event time.
//!
//! Fields of a TIMESTAMP are those of its wall clock in the session's zone; a TIMESTAMP_NTZ is a wall
//! clock already. The zone is captured when the plan is made.
//!
//! ```text
//! clock      current_date and its kin       text      to_date, date_format, unix_timestamp
//! parts      year to second, extract        make      make_date, make_interval
//! arithmetic date_add, months_between       truncate  trunc, date_trunc
//! unix       numbers since 1970             zones     from_utc_timestamp, convert_timezone
//! window     window, session_window
//! ```

pub(super) mod arithmetic;
pub(super) mod clock;
pub(super) mod make;
pub(super) mod parts;
pub(super) mod text;
pub(super) mod truncate;
pub(super) mod unix;
pub(super) mod window;
pub(super) mod zones;

use chrono::NaiveDate;

use self::parts::{ClockField, DateField};
use super::entry::*;

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

/// How tables name an argument that is a timestamp of either kind.
const TIME: &str = "TIMESTAMP or TIMESTAMP_NTZ";
/// How tables name an argument from which a time can be read.
const TEXT_OR_TIME: &str = "STRING, DATE or TIMESTAMP";

/// Functions of dates, timestamps and intervals.
///
/// Without words about nulls, an entry is null if an argument is. Examples are answered in the zone
/// UTC.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("window", window::window)
        .takes(&[value("time_column", "TIMESTAMP"), text("window_duration"), text("slide_duration").optional(), text("start_time").optional()])
        .returns("STRUCT<start TIMESTAMP, end TIMESTAMP>").null_if("Rows whose time is null are in no window.")
        .about("Puts a row into the windows of event time that its time falls into: one if they tumble, several if they slide.")
        .example("window.start, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00'), (TIMESTAMP'2024-01-01 00:04:00') AS t(time) GROUP BY window(time, '5 minutes')", "2024-01-01 00:00:00\t2"),
    scalar("session_window", window::session_window)
        .takes(&[value("time_column", "TIMESTAMP"), literal("gap_duration", "STRING or INTERVAL")])
        .returns("STRUCT<start TIMESTAMP, end TIMESTAMP>").null_if("Rows whose time is null are in no window.")
        .about("Puts rows into windows that last until no row has come for the gap.")
        .example("session_window.end, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00'), (TIMESTAMP'2024-01-01 00:04:00') AS t(time) GROUP BY session_window(time, '5 minutes')", "2024-01-01 00:09:00\t2"),
    scalar("window_time", window::window_time).takes(&[value("window_column", "STRUCT<start TIMESTAMP, end TIMESTAMP>")])
        .returns("TIMESTAMP")
        .about("Returns the event time of a window: its end less a microsecond.")
        .example("window_time(window) FROM (SELECT window, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00') AS t(time) GROUP BY window(time, '5 minutes'))", "2024-01-01 00:04:59.999999"),
    scalar("current_timestamp", clock::current_timestamp).aliases(&["now"]).returns("TIMESTAMP").nulls(Nulls::Never)
        .about("Returns the time at which the query began.")
        .varies("current_timestamp()"),
    scalar("localtimestamp", clock::local_timestamp).returns("TIMESTAMP_NTZ").nulls(Nulls::Never)
        .about("Returns the wall clock of the session's zone at which the query began.")
        .varies("localtimestamp()"),
    scalar("current_date", clock::current_date).aliases(&["curdate"]).returns("DATE").nulls(Nulls::Never)
        .about("Returns the day, in the session's zone, on which the query began.")
        .varies("current_date()"),
    scalar("current_timezone", clock::current_timezone).returns("STRING").nulls(Nulls::Never)
        .about("Returns the name of the session's zone.")
        .example("current_timezone()", "UTC"),
    scalar("date_add", arithmetic::date_add).aliases(&["dateadd"]).takes(&[date("start_date"), int("num_days")]).returns("DATE")
        .about("Returns the date a number of days later.")
        .example("date_add('2016-07-30', 1)", "2016-07-31"),
    scalar("date_sub", arithmetic::date_sub).takes(&[date("start_date"), int("num_days")]).returns("DATE")
        .about("Returns the date a number of days earlier.")
        .example("date_sub('2016-07-30', 1)", "2016-07-29"),
    scalar("datediff", arithmetic::date_diff).aliases(&["date_diff"]).takes(&[date("endDate"), date("startDate")]).returns("INT")
        .about("Returns the number of days from the second date to the first.")
        .example("datediff('2009-07-31', '2009-07-30')", "1"),
    scalar("add_months", arithmetic::add_months).takes(&[date("start_date"), int("num_months")]).returns("DATE")
        .about("Returns the date a number of months later, on the last day of a month that is too short.")
        .example("add_months('2016-08-31', 1)", "2016-09-30"),
    scalar("months_between", arithmetic::months_between)
        .takes(&[timestamp("timestamp1"), timestamp("timestamp2"), literal("roundOff", "BOOLEAN").or("true")]).returns("DOUBLE")
        .about("Returns the months from the second time to the first, with a fraction of a month of 31 days unless the days are equal or both last ones.")
        .example("months_between('1997-02-28 10:30:00', '1996-10-30')", "3.94959677"),
    scalar("last_day", arithmetic::last_day).takes(&[date("date")]).returns("DATE")
        .about("Returns the last day of the month.")
        .example("last_day('2009-01-12')", "2009-01-31"),
    scalar("next_day", arithmetic::next_day_call).takes(&[date("start_date"), text("day_of_week")]).returns("DATE")
        .null_if("Null if an argument is null, or without ANSI mode if the day of the week is unknown.")
        .about("Returns the first date after a date that is the named day of the week.")
        .example("next_day('2015-01-14', 'TU')", "2015-01-20"),
    scalar("timestampadd", arithmetic::timestamp_add).takes(&[text("unit"), long("quantity"), value("timestamp", TIME)])
        .returns("the type of the time").unlisted()
        .about("Returns the time a number of units later.")
        .example("timestampadd(HOUR, 8, TIMESTAMP_NTZ'2022-02-11 20:30:00')", "2022-02-12 04:30:00"),
    scalar("timestampdiff", arithmetic::timestamp_diff).takes(&[text("unit"), timestamp("start"), timestamp("end")])
        .returns("BIGINT").unlisted()
        .about("Returns the number of whole units from one time to another.")
        .example("timestampdiff(MONTH, TIMESTAMP'2021-01-01 00:00:00', TIMESTAMP'2021-02-28 00:00:00')", "1"),
    scalar("trunc", truncate::trunc).takes(&[date("date"), text("fmt")]).returns("DATE")
        .null_if("Null if an argument is null or the unit is unknown.")
        .about("Cuts a date to the first day of its year, quarter, month or week.")
        .example("trunc('2019-08-04', 'week')", "2019-07-29"),
    scalar("date_trunc", truncate::date_trunc).takes(&[text("fmt"), value("ts", TIME)]).returns("the type of the time")
        .null_if("Null if an argument is null or the unit is unknown.")
        .about("Cuts a time to the start of a unit, from YEAR to MICROSECOND.")
        .example("date_trunc('HOUR', '2015-03-05T09:32:05.359')", "2015-03-05 09:00:00"),
    scalar("date_from_unix_date", unix::date_from_unix_date).takes(&[int("days")]).returns("DATE")
        .about("Returns the date a number of days after 1970-01-01.")
        .example("date_from_unix_date(1)", "1970-01-02"),
    scalar("unix_date", unix::unix_date).takes(&[date("date")]).returns("INT")
        .about("Returns the number of days since 1970-01-01.")
        .example("unix_date(DATE'1970-01-02')", "1"),
    scalar("unix_seconds", |c| unix::since_epoch(c, 1_000_000)).takes(&[timestamp("timestamp")]).returns("BIGINT")
        .about("Returns the number of whole seconds since 1970-01-01 00:00:00 UTC.")
        .example("unix_seconds(TIMESTAMP'1970-01-01 00:00:01Z')", "1"),
    scalar("unix_millis", |c| unix::since_epoch(c, 1000)).takes(&[timestamp("timestamp")]).returns("BIGINT")
        .about("Returns the number of whole milliseconds since 1970-01-01 00:00:00 UTC.")
        .example("unix_millis(TIMESTAMP'1970-01-01 00:00:01Z')", "1000"),
    scalar("unix_micros", |c| unix::since_epoch(c, 1)).takes(&[timestamp("timestamp")]).returns("BIGINT")
        .about("Returns the number of microseconds since 1970-01-01 00:00:00 UTC.")
        .example("unix_micros(TIMESTAMP'1970-01-01 00:00:01Z')", "1000000"),
    scalar("timestamp_seconds", unix::timestamp_seconds).takes(&[number("seconds")]).returns("TIMESTAMP")
        .about("Returns the time a number of seconds, with fractions, after 1970-01-01 00:00:00 UTC.")
        .example("timestamp_seconds(1230219000.123)", "2008-12-25 15:30:00.123"),
    scalar("timestamp_millis", |c| unix::whole(c, 1000)).takes(&[long("milliseconds")]).returns("TIMESTAMP")
        .about("Returns the time a number of milliseconds after 1970-01-01 00:00:00 UTC.")
        .example("timestamp_millis(1230219000123)", "2008-12-25 15:30:00.123"),
    scalar("timestamp_micros", |c| unix::whole(c, 1)).takes(&[long("microseconds")]).returns("TIMESTAMP")
        .about("Returns the time a number of microseconds after 1970-01-01 00:00:00 UTC.")
        .example("timestamp_micros(1230219000123123)", "2008-12-25 15:30:00.123123"),
    scalar("make_date", make::make_date).takes(&[int("year"), int("month"), int("day")]).returns("DATE")
        .null_if("Null if an argument is null, or without ANSI mode if the date does not exist.")
        .about("Makes a date of its parts.")
        .example("make_date(2013, 7, 15)", "2013-07-15"),
    scalar("make_timestamp", |c| make::make_timestamp(c, make::Made::Instant, false)).aliases(&["make_timestamp_ltz"])
        .takes(MOMENT).returns("TIMESTAMP").null_if("Null if an argument is null, or without ANSI mode if the time does not exist.")
        .about("Makes a timestamp of its parts, in the session's zone unless one is given.")
        .example("make_timestamp(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"),
    scalar("try_make_timestamp", |c| make::make_timestamp(c, make::Made::Instant, true)).aliases(&["try_make_timestamp_ltz"])
        .takes(MOMENT).returns("TIMESTAMP").null_if("Null if an argument is null or the time does not exist.")
        .about("Makes a timestamp of its parts, or null.")
        .example("try_make_timestamp(2024, 2, 30, 6, 30, 45.887)", "NULL"),
    scalar("make_timestamp_ntz", |c| make::make_timestamp(c, make::Made::WallClock, false)).takes(WALL_CLOCK)
        .returns("TIMESTAMP_NTZ").null_if("Null if an argument is null, or without ANSI mode if the time does not exist.")
        .about("Makes a timestamp without zone of its parts.")
        .example("make_timestamp_ntz(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"),
    scalar("try_make_timestamp_ntz", |c| make::make_timestamp(c, make::Made::WallClock, true)).takes(WALL_CLOCK)
        .returns("TIMESTAMP_NTZ").null_if("Null if an argument is null or the time does not exist.")
        .about("Makes a timestamp without zone of its parts, or null.")
        .example("try_make_timestamp_ntz(2024, 2, 30, 6, 30, 45.887)", "NULL"),
    scalar("make_dt_interval", make::make_dt_interval)
        .takes(&[int("days").or("0"), int("hours").or("0"), int("mins").or("0"), number("secs").or("0")])
        .returns("INTERVAL DAY TO SECOND")
        .about("Makes an interval of days, hours, minutes and seconds.")
        .example("make_dt_interval(1, 12, 30, 01.001001)", "INTERVAL '1 12:30:01.001001' DAY TO SECOND"),
    scalar("make_ym_interval", make::make_ym_interval).takes(&[int("years").or("0"), int("months").or("0")])
        .returns("INTERVAL YEAR TO MONTH")
        .about("Makes an interval of years and months.")
        .example("make_ym_interval(1, 2)", "INTERVAL '1-2' YEAR TO MONTH"),
    scalar("make_interval", |c| make::make_interval(c, false)).takes(INTERVAL).returns("INTERVAL")
        .about("Makes an interval of parts from years to seconds.")
        .example("make_interval(100, 11, 1, 1, 12, 30, 01.001001)", "100 years 11 months 8 days 12 hours 30 minutes 1.001001 seconds"),
    scalar("try_make_interval", |c| make::make_interval(c, true)).takes(INTERVAL).returns("INTERVAL")
        .null_if("Null if an argument is null or the interval overflows.")
        .about("Makes an interval of parts from years to seconds, null on overflow.")
        .example("try_make_interval(0, 1, 0, 1, 0, 0, 100.000001)", "1 months 1 days 1 minutes 40.000001 seconds"),
    scalar("from_utc_timestamp", |c| zones::shifted(c, true)).takes(&[timestamp("timestamp"), text("timezone")])
        .returns("TIMESTAMP")
        .about("Returns the wall clock of a zone at a time whose wall clock is UTC's.")
        .example("from_utc_timestamp('2016-08-31', 'Asia/Seoul')", "2016-08-31 09:00:00"),
    scalar("to_utc_timestamp", |c| zones::shifted(c, false)).takes(&[timestamp("timestamp"), text("timezone")])
        .returns("TIMESTAMP")
        .about("Returns UTC's wall clock at a time whose wall clock is that of a zone.")
        .example("to_utc_timestamp('2016-08-31', 'Asia/Seoul')", "2016-08-30 15:00:00"),
    scalar("convert_timezone", zones::convert_timezone)
        .takes(&[text("sourceTz"), text("targetTz"), value("sourceTs", "TIMESTAMP_NTZ").optional()]).returns("TIMESTAMP_NTZ")
        .about("Converts a wall clock from one zone, the session's if only the target is given, to another.")
        .example("convert_timezone('Europe/Brussels', 'America/Los_Angeles', timestamp_ntz'2021-12-06 00:00:00')", "2021-12-05 15:00:00"),
    scalar("year", |c| parts::of_day(c, DateField::Year)).takes(&[date("date")]).returns("INT")
        .about("Returns the year.")
        .example("year('2016-07-30')", "2016"),
    scalar("quarter", |c| parts::of_day(c, DateField::Quarter)).takes(&[date("date")]).returns("INT")
        .about("Returns the quarter of the year, from 1 to 4.")
        .example("quarter('2016-08-31')", "3"),
    scalar("month", |c| parts::of_day(c, DateField::Month)).takes(&[date("date")]).returns("INT")
        .about("Returns the month, from 1 to 12.")
        .example("month('2016-07-30')", "7"),
    scalar("weekofyear", |c| parts::of_day(c, DateField::Week)).takes(&[date("date")]).returns("INT")
        .about("Returns the number of the ISO week in its year.")
        .example("weekofyear('2008-02-20')", "8"),
    scalar("day", |c| parts::of_day(c, DateField::Day)).aliases(&["dayofmonth"]).takes(&[date("date")]).returns("INT")
        .about("Returns the day of the month.")
        .example("day('2009-07-30')", "30"),
    scalar("dayofyear", |c| parts::of_day(c, DateField::DayOfYear)).takes(&[date("date")]).returns("INT")
        .about("Returns the day of the year.")
        .example("dayofyear('2016-04-09')", "100"),
    scalar("dayofweek", |c| parts::of_day(c, DateField::DayOfWeek)).takes(&[date("date")]).returns("INT")
        .about("Returns the day of the week, from 1 for Sunday to 7 for Saturday.")
        .example("dayofweek('2009-07-30')", "5"),
    scalar("weekday", |c| parts::of_day(c, DateField::Weekday)).takes(&[date("date")]).returns("INT")
        .about("Returns the day of the week, from 0 for Monday to 6 for Sunday.")
        .example("weekday('2009-07-30')", "3"),
    scalar("hour", |c| parts::of_time(c, ClockField::Hour)).takes(&[value("timestamp", TIME)]).returns("INT")
        .about("Returns the hour, from 0 to 23.")
        .example("hour('2009-07-30 12:58:59')", "12"),
    scalar("minute", |c| parts::of_time(c, ClockField::Minute)).takes(&[value("timestamp", TIME)]).returns("INT")
        .about("Returns the minute, from 0 to 59.")
        .example("minute('2009-07-30 12:58:59')", "58"),
    scalar("second", |c| parts::of_time(c, ClockField::Second)).takes(&[value("timestamp", TIME)]).returns("INT")
        .about("Returns the whole second, from 0 to 59.")
        .example("second('2009-07-30 12:58:59')", "59"),
    scalar("dayname", parts::day_name).takes(&[date("date")]).returns("STRING")
        .about("Returns the first three letters of the English name of the day of the week.")
        .example("dayname('2008-02-20')", "Wed"),
    scalar("monthname", parts::month_name).takes(&[date("date")]).returns("STRING")
        .about("Returns the first three letters of the English name of the month.")
        .example("monthname('2008-02-20')", "Feb"),
    scalar("date_part", parts::extract_call).aliases(&["datepart", "extract"])
        .takes(&[text("field"), value("source", "DATE, TIMESTAMP or INTERVAL")]).returns("INT, DECIMAL(8,6) for seconds")
        .about("Returns a field, such as YEAR or DOW, of a date, time or interval.")
        .example("date_part('SECONDS', timestamp'2019-10-01 00:00:01.000001')", "1.000001"),
    scalar("to_date", |c| text::to_date(c, false)).takes(&[value("date_str", TEXT_OR_TIME), text("fmt").optional()])
        .returns("DATE").null_if("Null if an argument is null, or without ANSI mode if the string does not match.")
        .about("Reads a date, by a pattern if one is given.")
        .example("to_date('2016-12-31', 'yyyy-MM-dd')", "2016-12-31"),
    scalar("try_to_date", |c| text::to_date(c, true)).takes(&[value("date_str", TEXT_OR_TIME), text("fmt").optional()])
        .returns("DATE").null_if("Null if an argument is null or the string does not match.")
        .about("Reads a date, null if the string does not match.")
        .example("try_to_date('foo', 'yyyy-MM-dd')", "NULL"),
    scalar("to_timestamp", |c| text::to_timestamp(c, false, make::Made::Instant)).aliases(&["to_timestamp_ltz"])
        .takes(&[value("timestamp_str", TEXT_OR_TIME), text("fmt").optional()]).returns("TIMESTAMP")
        .null_if("Null if an argument is null, or without ANSI mode if the string does not match.")
        .about("Reads a timestamp, by a pattern if one is given, in the session's zone unless the string names another.")
        .example("to_timestamp('2016-12-31', 'yyyy-MM-dd')", "2016-12-31 00:00:00"),
    scalar("try_to_timestamp", |c| text::to_timestamp(c, true, make::Made::Instant))
        .takes(&[value("timestamp_str", TEXT_OR_TIME), string("fmt").optional()]).returns("TIMESTAMP")
        .null_if("Null if an argument is null or the string does not match.")
        .about("Reads a timestamp, null if the string does not match.")
        .example("try_to_timestamp('foo', 'yyyy-MM-dd')", "NULL"),
    scalar("try_to_timestamp_ltz", |c| text::to_timestamp(c, true, make::Made::Instant))
        .takes(&[value("timestamp_str", TEXT_OR_TIME), text("fmt").optional()]).returns("TIMESTAMP").unlisted()
        .null_if("Null if an argument is null or the string does not match.")
        .about("Reads a timestamp, null if the string does not match.")
        .example("try_to_timestamp('foo', 'yyyy-MM-dd')", "NULL"),
    scalar("to_timestamp_ntz", |c| text::to_timestamp(c, false, make::Made::WallClock))
        .takes(&[value("timestamp_str", TEXT_OR_TIME), text("fmt").optional()]).returns("TIMESTAMP_NTZ")
        .null_if("Null if an argument is null, or without ANSI mode if the string does not match.")
        .about("Reads a timestamp without zone, by a pattern if one is given.")
        .example("to_timestamp_ntz('2016-12-31 00:12:00')", "2016-12-31 00:12:00"),
    scalar("try_to_timestamp_ntz", |c| text::to_timestamp(c, true, make::Made::WallClock))
        .takes(&[value("timestamp_str", TEXT_OR_TIME), text("fmt").optional()]).returns("TIMESTAMP_NTZ").unlisted()
        .null_if("Null if an argument is null or the string does not match.")
        .about("Reads a timestamp without zone, null if the string does not match.")
        .example("to_timestamp_ntz('2016-12-31 00:12:00')", "2016-12-31 00:12:00"),
    scalar("unix_timestamp", text::unix_timestamp)
        .takes(&[value("timeExp", TEXT_OR_TIME).optional(), text("fmt").or("'yyyy-MM-dd HH:mm:ss'")]).returns("BIGINT")
        .null_if("Null if an argument is null, or without ANSI mode if the string does not match.")
        .about("Returns the whole seconds since 1970 of a time, which may be a string by a pattern; of now without arguments.")
        .example("unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "1460073600"),
    scalar("to_unix_timestamp", text::unix_timestamp)
        .takes(&[value("timeExp", TEXT_OR_TIME), text("fmt").or("'yyyy-MM-dd HH:mm:ss'")]).returns("BIGINT")
        .null_if("Null if an argument is null, or without ANSI mode if the string does not match.")
        .about("Returns the whole seconds since 1970 of a time, which may be a string by a pattern.")
        .example("to_unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "1460073600"),
    scalar("from_unixtime", text::from_unixtime).takes(&[long("unix_time"), text("fmt").or("'yyyy-MM-dd HH:mm:ss'")])
        .returns("STRING")
        .about("Formats the time a number of seconds after 1970, in the session's zone.")
        .example("from_unixtime(0, 'yyyy-MM-dd HH:mm:ss')", "1970-01-01 00:00:00"),
    scalar("date_format", text::date_format).takes(&[value("timestamp", TIME), text("fmt")]).returns("STRING")
        .about("Formats a time by a pattern such as `yyyy-MM-dd HH:mm`.")
        .example("date_format('2016-04-08', 'y')", "2016"),
];

/// The arguments of `make_timestamp`: the parts of a wall clock, and a zone.
const MOMENT: &[Argument] = &[
    int("year"),
    int("month"),
    int("day"),
    int("hour"),
    int("min"),
    number("sec"),
    text("timezone").optional(),
];
/// The arguments of `make_timestamp_ntz`: the parts of a wall clock.
const WALL_CLOCK: &[Argument] = &[
    int("year"),
    int("month"),
    int("day"),
    int("hour"),
    int("min"),
    number("sec"),
];
/// The arguments of `make_interval`, from years to seconds.
const INTERVAL: &[Argument] = &[
    int("years").or("0"),
    int("months").or("0"),
    int("weeks").or("0"),
    int("days").or("0"),
    int("hours").or("0"),
    int("mins").or("0"),
    number("secs").or("0"),
];

/// The last day of a date's month.
pub fn last_of_month(date: NaiveDate) -> Option<NaiveDate> {
    use chrono::Datelike;
    (28..=31).rev().find_map(|d| date.with_day(d))
}
