//! The settings of an operator: a TOML file whose values must make sense.

use std::net::SocketAddr;

use serde::de::DeserializeOwned;

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value makes no sense.
    #[error("{key}: {problem}")]
    Value {
        /// Which.
        key: &'static str,
        /// Why.
        problem: &'static str,
    },
    /// The text is not in order; says where.
    #[error("{0}")]
    Syntax(String),
}

impl SettingsError {
    /// A value that makes no sense.
    #[must_use]
    pub const fn value(key: &'static str, problem: &'static str) -> Self {
        Self::Value { key, problem }
    }
}

/// Reads a configuration file. Whether its values make sense is for the caller to say.
///
/// # Errors
/// [`SettingsError::Syntax`], with line and key.
pub fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    toml::from_str(text)
        .map_err(|error| SettingsError::Syntax(error.to_string().trim_end().to_owned()))
}

/// The setting `admin`: what [`crate::admin`] serves concerns nobody outside this machine.
///
/// # Errors
/// [`SettingsError::Value`] when others could reach the address.
pub fn check_admin(admin: Option<SocketAddr>) -> Result<(), SettingsError> {
    if admin.is_some_and(|admin| !admin.ip().is_loopback()) {
        let problem = "metrics are served on a loopback address only";
        return Err(SettingsError::value("admin", problem));
    }
    Ok(())
}

/// Settings of which there must be some, each with whether it is zero.
///
/// # Errors
/// [`SettingsError::Value`] names the first that is.
pub fn check_not_zero(
    values: impl IntoIterator<Item = (&'static str, bool)>,
) -> Result<(), SettingsError> {
    match values.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((key, _)) => Err(SettingsError::value(key, "must be greater than 0")),
        None => Ok(()),
    }
}
