//! The time zone of an address, for contact hours.

use crate::geocode::NormalAddress;

/// States that lie in one zone, or nearly.
const STATES: &[(&str, &str)] = &[
    ("AK", "America/Anchorage"),
    ("AL", "America/Chicago"),
    ("AR", "America/Chicago"),
    ("AS", "Pacific/Pago_Pago"),
    ("AZ", "America/Phoenix"),
    ("CA", "America/Los_Angeles"),
    ("CO", "America/Denver"),
    ("CT", "America/New_York"),
    ("DC", "America/New_York"),
    ("DE", "America/New_York"),
    ("FL", "America/New_York"),
    ("GA", "America/New_York"),
    ("GU", "Pacific/Guam"),
    ("HI", "Pacific/Honolulu"),
    ("IA", "America/Chicago"),
    ("ID", "America/Boise"),
    ("IL", "America/Chicago"),
    ("IN", "America/Indiana/Indianapolis"),
    ("KS", "America/Chicago"),
    ("KY", "America/New_York"),
    ("LA", "America/Chicago"),
    ("MA", "America/New_York"),
    ("MD", "America/New_York"),
    ("ME", "America/New_York"),
    ("MI", "America/Detroit"),
    ("MN", "America/Chicago"),
    ("MO", "America/Chicago"),
    ("MP", "Pacific/Saipan"),
    ("MS", "America/Chicago"),
    ("MT", "America/Denver"),
    ("NC", "America/New_York"),
    ("ND", "America/Chicago"),
    ("NE", "America/Chicago"),
    ("NH", "America/New_York"),
    ("NJ", "America/New_York"),
    ("NM", "America/Denver"),
    ("NV", "America/Los_Angeles"),
    ("NY", "America/New_York"),
    ("OH", "America/New_York"),
    ("OK", "America/Chicago"),
    ("OR", "America/Los_Angeles"),
    ("PA", "America/New_York"),
    ("PR", "America/Puerto_Rico"),
    ("RI", "America/New_York"),
    ("SC", "America/New_York"),
    ("SD", "America/Chicago"),
    ("TN", "America/Chicago"),
    ("TX", "America/Chicago"),
    ("UT", "America/Denver"),
    ("VA", "America/New_York"),
    ("VI", "America/St_Thomas"),
    ("VT", "America/New_York"),
    ("WA", "America/Los_Angeles"),
    ("WI", "America/Chicago"),
    ("WV", "America/New_York"),
    ("WY", "America/Denver"),
];

/// Parts of split states, by the first three digits of the ZIP code.
const SPLIT: &[(&str, &str)] = &[
    ("324", "America/Chicago"),
    ("325", "America/Chicago"), // Florida's panhandle
    ("373", "America/New_York"),
    ("374", "America/New_York"), // eastern Tennessee
    ("376", "America/New_York"),
    ("377", "America/New_York"),
    ("378", "America/New_York"),
    ("379", "America/New_York"),
    ("420", "America/Chicago"),
    ("421", "America/Chicago"), // western Kentucky
    ("422", "America/Chicago"),
    ("423", "America/Chicago"),
    ("424", "America/Chicago"),
    ("463", "America/Chicago"),
    ("464", "America/Chicago"), // Indiana by Chicago and Evansville
    ("476", "America/Chicago"),
    ("477", "America/Chicago"),
    ("577", "America/Denver"), // western South Dakota
    ("586", "America/Denver"), // south-western North Dakota
    ("691", "America/Denver"),
    ("693", "America/Denver"), // western Nebraska
    ("798", "America/Denver"),
    ("799", "America/Denver"), // Texas by El Paso
    ("835", "America/Los_Angeles"),
    ("838", "America/Los_Angeles"), // northern Idaho
    ("885", "America/Denver"),
    ("979", "America/Boise"), // Oregon by Ontario
];

/// Countries that have one zone.
const COUNTRIES: &[(&str, &str)] = &[
    ("AT", "Europe/Vienna"),
    ("BE", "Europe/Brussels"),
    ("CH", "Europe/Zurich"),
    ("CZ", "Europe/Prague"),
    ("DE", "Europe/Berlin"),
    ("DK", "Europe/Copenhagen"),
    ("FI", "Europe/Helsinki"),
    ("FR", "Europe/Paris"),
    ("GB", "Europe/London"),
    ("GR", "Europe/Athens"),
    ("HU", "Europe/Budapest"),
    ("IE", "Europe/Dublin"),
    ("IN", "Asia/Kolkata"),
    ("IT", "Europe/Rome"),
    ("JP", "Asia/Tokyo"),
    ("LU", "Europe/Luxembourg"),
    ("NL", "Europe/Amsterdam"),
    ("NO", "Europe/Oslo"),
    ("PL", "Europe/Warsaw"),
    ("PR", "America/Puerto_Rico"),
    ("SE", "Europe/Stockholm"),
    ("SG", "Asia/Singapore"),
    ("ZA", "Africa/Johannesburg"),
];

/// The IANA time zone of an address, where country, state and ZIP code tell it.
///
/// Split states go by the first three digits of the ZIP code, which is coarser than the county
/// lines that zones follow: some addresses in the counties at the line (in FL, ID, IN, KS, KY, MI,
/// ND, NE, OR, SD, TN, TX), in the Aleutians and in the Navajo Nation come out one hour off.
/// O(log n).
pub fn time_zone(address: &NormalAddress) -> Option<&'static str> {
    match address.country.as_str() {
        "US" | "" => us_zone(address),
        country => lookup(COUNTRIES, country),
    }
}

fn us_zone(address: &NormalAddress) -> Option<&'static str> {
    let state = lookup(STATES, &address.region)?;
    let split = address
        .postal_code
        .get(..3)
        .and_then(|zip3| lookup(SPLIT, zip3));
    Some(split.filter(|_| is_split(&address.region)).unwrap_or(state))
}

fn is_split(state: &str) -> bool {
    matches!(
        state,
        "FL" | "ID" | "IN" | "KY" | "ND" | "NE" | "OR" | "SD" | "TN" | "TX"
    )
}

fn lookup(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    let at = table.binary_search_by_key(&key, |(k, _)| k).ok()?;
    table.get(at).map(|(_, zone)| *zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(country: &str, region: &str, zip: &str) -> Option<&'static str> {
        time_zone(&NormalAddress {
            country: country.into(),
            region: region.into(),
            postal_code: zip.into(),
            ..NormalAddress::default()
        })
    }

    #[test]
    fn tables_are_in_order() {
        for table in [STATES, SPLIT, COUNTRIES] {
            assert!(table.is_sorted_by_key(|(key, _)| key));
        }
    }

    #[test]
    fn split_states_go_by_zip_code() {
        assert_eq!(zone("US", "FL", "33101"), Some("America/New_York"));
        assert_eq!(zone("US", "FL", "32501"), Some("America/Chicago"));
        assert_eq!(zone("US", "TX", "79901"), Some("America/Denver"));
        assert_eq!(zone("US", "TX", ""), Some("America/Chicago"));
        assert_eq!(
            zone("US", "OH", "32501"),
            Some("America/New_York"),
            "not Florida's"
        );
        assert_eq!(zone("DE", "", ""), Some("Europe/Berlin"));
        assert_eq!(zone("AU", "", ""), None);
        assert_eq!(zone("US", "XX", "99999"), None);
    }
}
