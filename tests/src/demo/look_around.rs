//! Leaving everything up for the curious.

use super::DemoResult;
use super::narrator::Narrator;
use super::stage::Stage;

/// Prints how to look around, and waits for Ctrl-C.
///
/// # Errors
/// [`super::DemoError`].
pub async fn wait(stage: &Stage, narrator: &Narrator) -> DemoResult<()> {
    let (server, crm) = (stage.url(), stage.crm.base_url());
    let (code, portal) = (stage.enrolment_code()?, stage.portal.portal_id());
    let token = stage.portal.access_token();
    narrator.headline("Everything stays up; look around");
    println!(
        "   server   {server}
   CRM      {crm}
   code     {code}   (one phone, ten minutes)

   A phone of your own in another terminal:

     alias phone='cargo run --release --quiet -p fieldfare-phone -- --dir my-phone'
     phone enrol --server {server} --allow-loopback {code}
     phone sync
     phone nearby 42.36 -71.06
     phone search roofing

   What the CRM holds, and what the phone wrote there:

     curl -s -H 'authorization: Bearer {token}' '{crm}/crm/v3/objects/tasks?limit=3&properties=hs_task_subject,hs_task_body'
     curl -s {crm}/sandbox/portals/{portal}/stats

   Edit in the CRM, then sync the phone again:

     curl -s -X PATCH {crm}/sandbox/portals/{portal}/records/companies/ID -H 'content-type: application/json' -d '{{\"name\": \"New Name\"}}'

   Ctrl-C ends it."
    );
    tokio::signal::ctrl_c().await?;
    Ok(())
}
