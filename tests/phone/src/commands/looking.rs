use super::id;
use crate::answer::Answer;
use crate::args::{LeadsArgs, NearbyArgs};
use crate::phone::PhoneError;
use crate::show;
use fieldfare_engine::{
    Engine, LeadFilter, LeadRecord, MAX_PAGE, NearbyFilter, NearbyLead, NearbyQuery,
};
use fieldfare_model::LatLng;
use serde_json::json;

pub fn leads(engine: &Engine, args: &LeadsArgs) -> Result<Answer, PhoneError> {
    let territory = args.territory.as_deref();
    let filter = LeadFilter {
        statuses: args.status.clone(),
        tiers: args.tier.clone(),
        territory: territory.map(|text| id("territory", text)).transpose()?,
        owner: args.owner.clone(),
        min_score: args.min_score,
        text: args.text.clone(),
    };
    let wanted = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    let mut found: Vec<LeadRecord> = Vec::new();
    let mut after = None;
    loop {
        let missing = u32::try_from(wanted - found.len()).unwrap_or(MAX_PAGE);
        let limit = missing.min(MAX_PAGE);
        let page = engine.leads_page(&filter, args.order.into(), after.as_ref(), limit)?;
        found.extend(page.leads);
        after = page.next;
        if after.is_none() || found.len() >= wanted {
            break;
        }
    }
    Ok(lead_list(&found, after.is_some()))
}

fn lead_list(leads: &[LeadRecord], has_more: bool) -> Answer {
    let json = json!({
        "leads": leads.iter().map(show::lead_json).collect::<Vec<_>>(),
        "has_more": has_more,
    });
    let mut lines: Vec<String> = leads.iter().map(show::lead_line).collect();
    lines.extend(has_more.then(|| "  ... there are more (--limit 0 shows all)".to_owned()));
    Answer::new(json, show::lines(lines, "no leads"))
}

pub fn lead(engine: &Engine, text: &str) -> Result<Answer, PhoneError> {
    let record = engine.lead(id("lead", text)?)?;
    let visits = engine.visits(record.lead.id)?;
    let visits_json: Vec<_> = visits.iter().map(show::visit_json).collect();
    let json = show::with(show::lead_json(&record), json!({ "visits": visits_json }));
    let lines: Vec<String> = visits.iter().map(show::visit_line).collect();
    Ok(Answer::new(
        json,
        [show::lead_text(&record), lines.join("\n")].join("\n"),
    ))
}

pub fn nearby(engine: &Engine, args: &NearbyArgs) -> Result<Answer, PhoneError> {
    let k = match (args.radius, args.k) {
        (None, None) => Some(10),
        (_, k) => k,
    };
    let query = NearbyQuery {
        radius_m: args.radius,
        k,
        filter: NearbyFilter {
            statuses: args.status.clone(),
            tiers: args.tier.clone(),
            min_score: args.min_score,
        },
        purpose: args.purpose,
    };
    let found = engine.nearby(LatLng::new(args.lat, args.lon)?, &query)?;
    let json = json!({
        "leads": found.leads.iter().map(nearby_json).collect::<Vec<_>>(),
        "total": found.total,
    });
    let mut lines: Vec<String> = found.leads.iter().map(nearby_line).collect();
    let hidden = found.total as usize - found.leads.len();
    lines.extend((hidden > 0).then(|| format!("  ... and {hidden} more")));
    Ok(Answer::new(json, show::lines(lines, "nobody near")))
}

/// A lead with its distance, for programs.
pub fn nearby_json(near: &NearbyLead) -> serde_json::Value {
    show::with(
        show::lead_json(&near.record),
        json!({ "distance_m": near.distance_m }),
    )
}

/// A lead with its distance, on one line.
pub fn nearby_line(near: &NearbyLead) -> String {
    format!(
        "{:>8.0} m {}",
        near.distance_m,
        show::lead_line(&near.record)
    )
}

pub fn viewport(
    engine: &Engine,
    (south, west): (f64, f64),
    (north, east): (f64, f64),
    limit: u32,
) -> Result<Answer, PhoneError> {
    let view = engine.viewport(LatLng::new(south, west)?, LatLng::new(north, east)?, limit)?;
    let pins: Vec<_> = view
        .pins
        .iter()
        .map(|pin| {
            json!({
                "id": pin.id,
                "position": pin.position,
                "status": pin.status,
                "tier": pin.tier,
                "score": pin.score,
            })
        })
        .collect();
    let lines: Vec<String> = view
        .pins
        .iter()
        .map(|pin| {
            format!(
                "  {}  {:.5}, {:.5}",
                pin.id,
                pin.position.lat(),
                pin.position.lon()
            )
        })
        .chain([format!("{} of {}", view.pins.len(), view.total)])
        .collect();
    Ok(Answer::new(
        json!({ "pins": pins, "total": view.total }),
        lines.join("\n"),
    ))
}

pub fn search(engine: &Engine, text: &str, limit: u32) -> Result<Answer, PhoneError> {
    Ok(lead_list(&engine.search(text, limit)?, false))
}

pub fn territories(engine: &Engine) -> Result<Answer, PhoneError> {
    let territories = engine.territories()?;
    let lines = territories
        .iter()
        .map(|t| format!("{}  {}", t.id, t.name))
        .collect();
    let text = show::lines(lines, "no territories");
    Ok(Answer::new(json!({ "territories": territories }), text))
}
