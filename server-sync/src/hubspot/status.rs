//! HubSpot's two fields for where a record stands, and ours.

use fieldfare_model::LeadStatus;

/// Our status of `lifecyclestage` and `hs_lead_status`.
///
/// A customer is one whatever the lead status says; else the lead status decides, else the stage.
pub fn read(lifecycle: &str, lead_status: &str) -> LeadStatus {
    if matches!(lifecycle, "customer" | "evangelist") {
        return LeadStatus::Customer;
    }
    match lead_status {
        "NEW" => LeadStatus::New,
        "OPEN" | "IN_PROGRESS" => LeadStatus::Open,
        "ATTEMPTED_TO_CONTACT" | "CONNECTED" | "BAD_TIMING" => LeadStatus::Contacted,
        "OPEN_DEAL" => LeadStatus::Qualified,
        "UNQUALIFIED" => LeadStatus::Lost,
        "DO_NOT_CONTACT" => LeadStatus::DoNotContact,
        _ => match lifecycle {
            "salesqualifiedlead" | "opportunity" => LeadStatus::Qualified,
            _ => LeadStatus::New,
        },
    }
}

/// The property and value that say our status. HubSpot has no word for "do not contact" unless a
/// portal adds one, so that becomes `UNQUALIFIED`; see [`standing`].
pub const fn write(status: LeadStatus) -> (&'static str, &'static str) {
    match status {
        LeadStatus::Customer => ("lifecyclestage", "customer"),
        LeadStatus::New => ("hs_lead_status", "NEW"),
        LeadStatus::Open => ("hs_lead_status", "OPEN"),
        LeadStatus::Contacted => ("hs_lead_status", "CONNECTED"),
        LeadStatus::Qualified => ("hs_lead_status", "OPEN_DEAL"),
        LeadStatus::Lost | LeadStatus::DoNotContact => ("hs_lead_status", "UNQUALIFIED"),
    }
}

/// What stands after the CRM says `told` over what was `stored`: "do not contact" is not weakened
/// to "lost", which is all the CRM can say of it.
pub const fn standing(stored: Option<LeadStatus>, told: LeadStatus) -> LeadStatus {
    match (stored, told) {
        (Some(LeadStatus::DoNotContact), LeadStatus::Lost) => LeadStatus::DoNotContact,
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_write_reads_back() {
        for status in LeadStatus::ALL {
            let (property, value) = write(*status);
            let told = match property {
                "lifecyclestage" => read(value, ""),
                _ => read("lead", value),
            };
            assert_eq!(standing(Some(*status), told), *status);
        }
    }
}
