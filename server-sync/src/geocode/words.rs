//! Words of US postal addresses, after USPS Publication 28, appendices B and C.

/// Street suffixes, directionals and their USPS abbreviations.
const STREET_WORDS: &[(&str, &str)] = &[
    ("ALLEY", "ALY"),
    ("ANNEX", "ANX"),
    ("AV", "AVE"),
    ("AVENUE", "AVE"),
    ("BAYOU", "BYU"),
    ("BEACH", "BCH"),
    ("BEND", "BND"),
    ("BOULEVARD", "BLVD"),
    ("BRANCH", "BR"),
    ("BRIDGE", "BRG"),
    ("BROOK", "BRK"),
    ("BYPASS", "BYP"),
    ("CANYON", "CYN"),
    ("CAUSEWAY", "CSWY"),
    ("CENTER", "CTR"),
    ("CENTRE", "CTR"),
    ("CIRCLE", "CIR"),
    ("COMMON", "CMN"),
    ("CORNER", "COR"),
    ("COURSE", "CRSE"),
    ("COURT", "CT"),
    ("COVE", "CV"),
    ("CREEK", "CRK"),
    ("CRESCENT", "CRES"),
    ("CROSSING", "XING"),
    ("DRIVE", "DR"),
    ("EAST", "E"),
    ("ESTATE", "EST"),
    ("ESTATES", "ESTS"),
    ("EXPRESSWAY", "EXPY"),
    ("EXTENSION", "EXT"),
    ("FALLS", "FLS"),
    ("FERRY", "FRY"),
    ("FOREST", "FRST"),
    ("FORT", "FT"),
    ("FREEWAY", "FWY"),
    ("GARDEN", "GDN"),
    ("GARDENS", "GDNS"),
    ("GATEWAY", "GTWY"),
    ("GREEN", "GRN"),
    ("GROVE", "GRV"),
    ("HARBOR", "HBR"),
    ("HEIGHTS", "HTS"),
    ("HIGHWAY", "HWY"),
    ("HILL", "HL"),
    ("HILLS", "HLS"),
    ("HOLLOW", "HOLW"),
    ("ISLAND", "IS"),
    ("JUNCTION", "JCT"),
    ("KNOLL", "KNL"),
    ("LAKE", "LK"),
    ("LANDING", "LNDG"),
    ("LANE", "LN"),
    ("MANOR", "MNR"),
    ("MEADOW", "MDW"),
    ("MEADOWS", "MDWS"),
    ("MILL", "ML"),
    ("MOUNT", "MT"),
    ("MOUNTAIN", "MTN"),
    ("NORTH", "N"),
    ("NORTHEAST", "NE"),
    ("NORTHWEST", "NW"),
    ("ORCHARD", "ORCH"),
    ("PARKWAY", "PKWY"),
    ("PLACE", "PL"),
    ("PLAIN", "PLN"),
    ("PLAINS", "PLNS"),
    ("PLAZA", "PLZ"),
    ("POINT", "PT"),
    ("POINTE", "PT"),
    ("RANCH", "RNCH"),
    ("RIDGE", "RDG"),
    ("RIVER", "RIV"),
    ("ROAD", "RD"),
    ("ROUTE", "RTE"),
    ("SHORE", "SHR"),
    ("SHORES", "SHRS"),
    ("SOUTH", "S"),
    ("SOUTHEAST", "SE"),
    ("SOUTHWEST", "SW"),
    ("SPRING", "SPG"),
    ("SPRINGS", "SPGS"),
    ("SQUARE", "SQ"),
    ("STATION", "STA"),
    ("STR", "ST"),
    ("STREET", "ST"),
    ("SUMMIT", "SMT"),
    ("TERRACE", "TER"),
    ("TRACE", "TRCE"),
    ("TRAIL", "TRL"),
    ("TURNPIKE", "TPKE"),
    ("VALLEY", "VLY"),
    ("VIEW", "VW"),
    ("VILLAGE", "VLG"),
    ("VISTA", "VIS"),
    ("WEST", "W"),
];

const UNIT_WORDS: &[&str] = &[
    "#",
    "APARTMENT",
    "APT",
    "BLDG",
    "BUILDING",
    "DEPARTMENT",
    "DEPT",
    "FL",
    "FLOOR",
    "HANGAR",
    "LOT",
    "OFC",
    "OFFICE",
    "PENTHOUSE",
    "PH",
    "RM",
    "ROOM",
    "SPACE",
    "SPC",
    "STE",
    "SUITE",
    "TRAILER",
    "TRLR",
    "UNIT",
];

/// Words of town names that are written both ways.
const TOWN_WORDS: &[(&str, &str)] = &[
    ("FT", "FORT"),
    ("MT", "MOUNT"),
    ("SAINT", "ST"),
    ("SAINTE", "STE"),
];

/// The abbreviation of a street word, or the word itself.
pub(crate) fn street_word(word: &str) -> &str {
    lookup(STREET_WORDS, word)
}

/// The usual form of a word in a town's name.
pub(crate) fn town_word(word: &str) -> &str {
    lookup(TOWN_WORDS, word)
}

/// Whether a word announces an apartment, suite or floor.
pub(crate) fn is_unit_word(word: &str) -> bool {
    UNIT_WORDS.binary_search(&word).is_ok()
}

fn lookup<'a>(table: &'static [(&'static str, &'static str)], word: &'a str) -> &'a str {
    let at = table.binary_search_by_key(&word, |(long, _)| long);
    at.ok()
        .and_then(|at| table.get(at))
        .map_or(word, |(_, short)| short)
}

/// Capitals without accents and punctuation, words apart by one blank. `#` stands alone.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '’' | '‘' | 'ʻ' | '.' => {}
            '#' => out.push_str(" # "),
            c if c.is_alphanumeric() => push_plain(&mut out, c),
            '-' | '/' => out.push(c),
            _ => out.push(' '),
        }
    }
    let words = out.split_whitespace().map(|w| w.trim_matches(['-', '/']));
    words
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn push_plain(out: &mut String, c: char) {
    for c in c.to_uppercase() {
        match c {
            'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => out.push('A'),
            'Æ' => out.push_str("AE"),
            'Ç' | 'Ć' | 'Č' => out.push('C'),
            'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' => out.push('E'),
            'Ì'..='Ï' | 'Ī' | 'İ' => out.push('I'),
            'Ł' => out.push('L'),
            'Ñ' | 'Ń' | 'Ň' => out.push('N'),
            'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ő' => out.push('O'),
            'Œ' => out.push_str("OE"),
            'Ś' | 'Š' => out.push('S'),
            'Ù'..='Ü' | 'Ū' | 'Ů' | 'Ű' => out.push('U'),
            'Ý' => out.push('Y'),
            'Ź' | 'Ż' | 'Ž' => out.push('Z'),
            c if c.is_alphanumeric() => out.push(c),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        assert!(STREET_WORDS.is_sorted_by_key(|(w, _)| w));
        assert!(TOWN_WORDS.is_sorted_by_key(|(w, _)| w));
        assert!(UNIT_WORDS.is_sorted());
    }

    #[test]
    fn folds_case_accents_and_punctuation() {
        assert_eq!(fold("  Cañon  City, "), "CANON CITY");
        assert_eq!(fold("Kapa‘a"), "KAPAA");
        assert_eq!(fold("St. John's"), "ST JOHNS");
        assert_eq!(fold("12-34 Main/2nd #4b -"), "12-34 MAIN/2ND # 4B");
    }
}
