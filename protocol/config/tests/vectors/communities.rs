use session_config::Community;
use session_config::community::{canonical_base_url, parse_partial};

use crate::{array, list, sections, text, vectors};

#[test]
fn community_addresses() {
    let file = vectors("community.json");
    sections(
        &file,
        &["about", "parse_full", "parse_partial", "canonical_base"],
    );
    for case in list(&file["parse_full"]) {
        let parsed = Community::parse(text(&case["url"]));
        assert_eq!(parsed.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
        if let Ok(community) = parsed {
            assert_eq!(community.server().base_url(), case["base_url"], "{case}");
            assert_eq!(community.room(), case["room"]);
            assert_eq!(community.room_key(), case["room_norm"]);
            assert_eq!(*community.server().public_key(), array(&case["pubkey"]));
            assert_eq!(community.full_url(), case["full_url"]);
            assert_eq!(Community::parse(&community.full_url()).unwrap(), community);
        }
    }
    for case in list(&file["parse_partial"]) {
        let parsed = parse_partial(text(&case["url"]));
        assert_eq!(parsed.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
        if let Ok(address) = parsed {
            assert_eq!(address.base_url, case["base_url"], "{case}");
            assert_eq!(address.room, case["room"]);
            let key = (!case["pubkey"].is_null()).then(|| array(&case["pubkey"]));
            assert_eq!(address.public_key, key);
        }
    }
    for case in list(&file["canonical_base"]) {
        let canonical = canonical_base_url(text(&case["url"]));
        assert_eq!(canonical.is_ok(), case["ok"].as_bool().unwrap(), "{case}");
        if let Ok(canonical) = canonical {
            assert_eq!(canonical, case["canonical"]);
        }
    }
}
