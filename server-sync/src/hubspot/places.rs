//! Names of countries and US states as people write them in a CRM.

use std::borrow::Cow;

const COUNTRIES: &[(&str, &str)] = &[
    ("america", "US"),
    ("argentina", "AR"),
    ("australia", "AU"),
    ("austria", "AT"),
    ("belgium", "BE"),
    ("brasil", "BR"),
    ("brazil", "BR"),
    ("bulgaria", "BG"),
    ("canada", "CA"),
    ("chile", "CL"),
    ("china", "CN"),
    ("colombia", "CO"),
    ("croatia", "HR"),
    ("czech republic", "CZ"),
    ("czechia", "CZ"),
    ("danmark", "DK"),
    ("denmark", "DK"),
    ("deutschland", "DE"),
    ("england", "GB"),
    ("españa", "ES"),
    ("estonia", "EE"),
    ("finland", "FI"),
    ("france", "FR"),
    ("germany", "DE"),
    ("great britain", "GB"),
    ("greece", "GR"),
    ("hong kong", "HK"),
    ("hungary", "HU"),
    ("iceland", "IS"),
    ("india", "IN"),
    ("indonesia", "ID"),
    ("ireland", "IE"),
    ("israel", "IL"),
    ("italia", "IT"),
    ("italy", "IT"),
    ("japan", "JP"),
    ("latvia", "LV"),
    ("lithuania", "LT"),
    ("luxembourg", "LU"),
    ("malaysia", "MY"),
    ("mexico", "MX"),
    ("méxico", "MX"),
    ("nederland", "NL"),
    ("netherlands", "NL"),
    ("new zealand", "NZ"),
    ("nigeria", "NG"),
    ("norge", "NO"),
    ("northern ireland", "GB"),
    ("norway", "NO"),
    ("philippines", "PH"),
    ("poland", "PL"),
    ("polska", "PL"),
    ("portugal", "PT"),
    ("puerto rico", "PR"),
    ("romania", "RO"),
    ("saudi arabia", "SA"),
    ("schweiz", "CH"),
    ("scotland", "GB"),
    ("serbia", "RS"),
    ("singapore", "SG"),
    ("slovakia", "SK"),
    ("slovenia", "SI"),
    ("south africa", "ZA"),
    ("south korea", "KR"),
    ("spain", "ES"),
    ("suomi", "FI"),
    ("sverige", "SE"),
    ("sweden", "SE"),
    ("switzerland", "CH"),
    ("taiwan", "TW"),
    ("thailand", "TH"),
    ("the netherlands", "NL"),
    ("turkey", "TR"),
    ("türkiye", "TR"),
    ("uk", "GB"),
    ("ukraine", "UA"),
    ("united arab emirates", "AE"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("united states of america", "US"),
    ("us", "US"),
    ("usa", "US"),
    ("vietnam", "VN"),
    ("wales", "GB"),
    ("österreich", "AT"),
];

const STATES: &[(&str, &str)] = &[
    ("alabama", "AL"),
    ("alaska", "AK"),
    ("american samoa", "AS"),
    ("arizona", "AZ"),
    ("arkansas", "AR"),
    ("california", "CA"),
    ("colorado", "CO"),
    ("connecticut", "CT"),
    ("delaware", "DE"),
    ("district of columbia", "DC"),
    ("florida", "FL"),
    ("georgia", "GA"),
    ("guam", "GU"),
    ("hawaii", "HI"),
    ("idaho", "ID"),
    ("illinois", "IL"),
    ("indiana", "IN"),
    ("iowa", "IA"),
    ("kansas", "KS"),
    ("kentucky", "KY"),
    ("louisiana", "LA"),
    ("maine", "ME"),
    ("maryland", "MD"),
    ("massachusetts", "MA"),
    ("michigan", "MI"),
    ("minnesota", "MN"),
    ("mississippi", "MS"),
    ("missouri", "MO"),
    ("montana", "MT"),
    ("nebraska", "NE"),
    ("nevada", "NV"),
    ("new hampshire", "NH"),
    ("new jersey", "NJ"),
    ("new mexico", "NM"),
    ("new york", "NY"),
    ("north carolina", "NC"),
    ("north dakota", "ND"),
    ("ohio", "OH"),
    ("oklahoma", "OK"),
    ("oregon", "OR"),
    ("pennsylvania", "PA"),
    ("puerto rico", "PR"),
    ("rhode island", "RI"),
    ("south carolina", "SC"),
    ("south dakota", "SD"),
    ("tennessee", "TN"),
    ("texas", "TX"),
    ("utah", "UT"),
    ("vermont", "VT"),
    ("virgin islands", "VI"),
    ("virginia", "VA"),
    ("washington", "WA"),
    ("washington dc", "DC"),
    ("west virginia", "WV"),
    ("wisconsin", "WI"),
    ("wyoming", "WY"),
];

/// ISO 3166-1 alpha-2 of a country's name; two letters are taken for a code. None for a name that
/// is not known.
pub(crate) fn country(text: &str) -> Option<String> {
    let name = text.replace('.', "").trim().to_lowercase();
    match lookup(COUNTRIES, &name) {
        Some(code) => Some(code.to_owned()),
        None => is_code(&name).then(|| name.to_uppercase()),
    }
}

/// The code of a region: US states by name, everything else as written.
pub(crate) fn region<'a>(text: &'a str, country: Option<&str>) -> Cow<'a, str> {
    let name = text.replace('.', "").trim().to_lowercase();
    let state = lookup(STATES, &name).filter(|_| matches!(country, None | Some("US")));
    match state {
        Some(code) => Cow::Borrowed(code),
        None if is_code(&name) => Cow::Owned(name.to_uppercase()),
        None => Cow::Borrowed(text),
    }
}

fn is_code(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|b| b.is_ascii_lowercase())
}

fn lookup(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let at = table.binary_search_by_key(&name, |(n, _)| n).ok()?;
    table.get(at).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_codes() {
        assert!(COUNTRIES.is_sorted_by_key(|(n, _)| n) && STATES.is_sorted_by_key(|(n, _)| n));
        for us in ["US", "usa", "U.S.A.", "United States ", "us"] {
            assert_eq!(country(us).as_deref(), Some("US"), "{us}");
        }
        assert_eq!(country("Österreich").as_deref(), Some("AT"));
        assert_eq!(country("Atlantis"), None);
        assert_eq!(region("Massachusetts", None), "MA");
        assert_eq!(region("ma", Some("US")), "MA");
        assert_eq!(region("Bavaria", Some("DE")), "Bavaria");
        assert_eq!(region("Georgia", Some("GE")), "Georgia");
    }
}
