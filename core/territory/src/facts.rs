use fieldfare_model::Lead;

/// What rules may look at.
///
/// Every fact may be unknown; a clause about an unknown fact does not hold. Text is compared
/// without regard to case and to blanks at either end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeadFacts<'a> {
    /// Postal code as written, for example `02118-3520`.
    pub postal_code: Option<&'a str>,
    /// State or region code, for example `MA`.
    pub region: Option<&'a str>,
    /// County. No lead carries one: whoever assigns finds it, for example from the position, or
    /// leaves it out, and then county clauses do not hold.
    pub county: Option<&'a str>,
    /// Town.
    pub city: Option<&'a str>,
    /// Country, ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// Importance class, 1 is the highest.
    pub tier: Option<u8>,
    /// The CRM's id of the owner.
    pub owner: Option<&'a str>,
}

impl<'a> LeadFacts<'a> {
    /// The facts a lead carries itself; the county comes from outside.
    pub fn of(lead: &'a Lead, county: Option<&'a str>) -> Self {
        let address = &lead.address;
        Self {
            postal_code: address.postal_code.as_deref(),
            region: address.region.as_deref(),
            county,
            city: address.city.as_deref(),
            country: address.country.as_deref(),
            tier: lead.tier,
            owner: lead.owner.as_deref(),
        }
    }
}
