//! Ids as they stand in texts of messages.

use session_types::{SwarmPubkey, network_prefix};

/// Whether this can be the author of a message: an account, or a blinded id in a community.
pub(crate) fn is_author(id: SwarmPubkey) -> bool {
    matches!(
        id.prefix(),
        network_prefix::ACCOUNT | network_prefix::BLINDED_15 | network_prefix::BLINDED_25
    )
}

/// An author as written in quotes and reactions.
pub(crate) fn parse_author(text: &str) -> Option<SwarmPubkey> {
    text.parse().ok().filter(|id| is_author(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_have_three_prefixes() {
        for (prefix, good) in [
            ("00", false),
            ("03", false),
            ("05", true),
            ("15", true),
            ("25", true),
        ] {
            let text = format!("{prefix}{}", "ab".repeat(32));
            assert_eq!(parse_author(&text).is_some(), good, "{prefix}");
        }
        assert_eq!(parse_author("05ab"), None);
    }
}
