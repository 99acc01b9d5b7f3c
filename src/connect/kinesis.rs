//! Credentials of AWS that a native server knows by itself: from its environment, or from the file that AWS's tools share. They are looked
//! up for every request to a host, so that those that are renewed count at once.

use std::path::PathBuf;

use crate::sources::kinesis::exchange::{Credentials, Stream};

/// Completes a stream without credentials by those that the server knows, if it knows any.
pub fn sign(stream: &mut Stream) {
    if stream.credentials.is_none() {
        stream.credentials = of_environment().or_else(of_file);
    }
}

/// Returns a variable of the environment; `None` if it is not set, or empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the credentials in the environment.
fn of_environment() -> Option<Credentials> {
    Some(Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID")?,
        secret_key: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

/// Returns the credentials in the shared file.
fn of_file() -> Option<Credentials> {
    let path = match variable("AWS_SHARED_CREDENTIALS_FILE") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(variable("HOME")?).join(".aws/credentials"),
    };
    let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".into());
    of_text(&std::fs::read_to_string(path).ok()?, &profile)
}

/// Reads the credentials of a profile from the shared file's text; `None` if it has none.
fn of_text(text: &str, profile: &str) -> Option<Credentials> {
    let header = format!("[{profile}]");
    let lines = text.lines().map(str::trim).skip_while(|line| *line != header).skip(1);
    let mut found = [None, None, None];
    for line in lines.take_while(|line| !line.starts_with('[')) {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
        if let Some(at) = names.iter().position(|wanted| *wanted == name.trim()) {
            found[at] = Some(value.trim().to_owned());
        }
    }
    let [access_key_id, secret_key, session_token] = found;
    Some(Credentials {
        access_key_id: access_key_id?,
        secret_key: secret_key?,
        session_token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_file_is_read_by_profile() {
        let text = "[default]\naws_access_key_id = A\naws_secret_access_key=B=\n\n[other]\n# no\naws_access_key_id=C\n\
                    aws_secret_access_key=D\naws_session_token = E\n[half]\naws_access_key_id=F\n";
        let of = |profile| of_text(text, profile).map(|c| (c.access_key_id, c.secret_key, c.session_token));
        assert_eq!(of("default"), Some(("A".into(), "B=".into(), None)));
        assert_eq!(of("other"), Some(("C".into(), "D".into(), Some("E".into()))));
        assert_eq!((of("half"), of("none")), (None, None));
    }
}
