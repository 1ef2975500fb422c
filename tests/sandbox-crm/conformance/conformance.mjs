// Drives the sandbox through HubSpot's official client: what the client understands and
// what it reports is what the sandbox has to be faithful to.
import assert from "node:assert/strict";
import hubspot from "@hubspot/api-client";
import { controls, counter, OTHER, PORTAL, refused, startReceiver, startSandbox } from "./harness.mjs";

const { Client, Signature } = hubspot;
const { check, finish } = counter();
const sandbox = await startSandbox();
const receiver = await startReceiver();
const control = controls(sandbox.base);
const client = (token, more = {}) =>
  new Client({ accessToken: token, basePath: sandbox.base, limiterOptions: { maxConcurrent: 5 }, ...more });
const crm = client(PORTAL.token).crm;
const companies = crm.companies;
const ids = (many) => many.map((one) => ({ id: one.id }));
const company = (name, more = {}) => ({ properties: { name, ...more }, associations: [] });

await check("a created company comes back with id, dates and strings", async () => {
  const made = await companies.basicApi.create(company("Harlow Roofing", { numberofemployees: 12 }));
  assert.match(made.id, /^\d+$/);
  assert.ok(made.createdAt instanceof Date && !Number.isNaN(made.createdAt.getTime()));
  assert.equal(made.properties.hs_object_id, made.id);
  assert.equal(made.properties.numberofemployees, "12");
  const read = await companies.basicApi.getById(made.id, ["city", "nothing_like_it"]);
  assert.equal(read.properties.city, null);
  assert.ok(!("nothing_like_it" in read.properties) && !("name" in read.properties));
  assert.match(read.properties.hs_lastmodifieddate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

await check("unknown properties and bad options are refused on write", async () => {
  const error = await refused(() => companies.basicApi.create(company("X", { nope: "1" })), 400);
  assert.equal(error.body.category, "VALIDATION_ERROR");
  assert.equal(error.body.errors[0].code, "PROPERTY_DOESNT_EXIST");
  await refused(() => companies.basicApi.create(company("X", { lifecyclestage: "sleepy" })), 400);
  await refused(() => companies.basicApi.create(company("X", { hubspot_owner_id: "1" })), 400);
});

await check("an update writes, an empty string clears", async () => {
  const made = await companies.basicApi.create(company("Finch Dental", { city: "Boston" }));
  await companies.basicApi.update(made.id, { properties: { city: "", zip: "02101" } });
  const read = await companies.basicApi.getById(made.id, ["city", "zip"]);
  assert.equal(read.properties.city, null);
  assert.equal(read.properties.zip, "02101");
  assert.ok(read.updatedAt >= made.updatedAt);
});

let made;
await check("batch create makes 100 and refuses 101", async () => {
  const inputs = Array.from({ length: 100 }, (_, n) => company(`Batch ${n}`, { zip: `${10000 + n}`, city: "Batchville" }));
  made = (await companies.batchApi.create({ inputs })).results;
  assert.equal(made.length, 100);
  const error = await refused(() => companies.batchApi.create({ inputs: [...inputs, company("One more")] }), 400);
  assert.equal(error.body.category, "VALIDATION_ERROR");
});

await check("batch create without trace ids makes all or nothing", async () => {
  const search = { filterGroups: [{ filters: [{ propertyName: "city", operator: "EQ", value: "Nowhere" }] }] };
  const inputs = [company("Good", { city: "Nowhere" }), company("Bad", { nope: "1" })];
  await refused(() => companies.batchApi.create({ inputs }), 400);
  assert.equal((await companies.searchApi.doSearch(search)).total, 0);
  const traced = inputs.map((input, n) => ({ ...input, objectWriteTraceId: `t${n}` }));
  const partly = await companies.batchApi.create({ inputs: traced });
  assert.equal(partly.results.length, 1);
  assert.equal(partly.numErrors, 1);
  assert.deepEqual(partly.errors[0].context.objectWriteTraceId, ["t1"]);
});

await check("batch read gives 207 for missing ids", async () => {
  const found = await companies.batchApi.read({ inputs: ids(made), properties: ["zip"], propertiesWithHistory: [] });
  assert.equal(found.status, "COMPLETE");
  assert.deepEqual(found.results.map((one) => one.properties.zip).sort()[0], "10000");
  const partly = await companies.batchApi.read({ inputs: [{ id: made[0].id }, { id: "12" }], properties: [], propertiesWithHistory: [] });
  assert.equal(partly.results.length, 1);
  assert.equal(partly.errors[0].category, "OBJECT_NOT_FOUND");
  assert.deepEqual(partly.errors[0].context.ids, ["12"]);
});

await check("batch update sets owners, refuses repeated ids and hs_object_id as idProperty", async () => {
  const owner = (await crm.owners.ownersApi.getPage()).results[0].id;
  const inputs = ids(made.slice(0, 50)).map((one) => ({ ...one, properties: { hubspot_owner_id: owner } }));
  const updated = await companies.batchApi.update({ inputs });
  assert.ok(updated.results.every((one) => one.properties.hubspot_owner_id === owner));
  const repeated = await refused(() => companies.batchApi.update({ inputs: [inputs[0], inputs[0]] }), 400);
  assert.match(repeated.body.message, /Duplicate IDs/);
  const named = [{ ...inputs[0], idProperty: "hs_object_id" }];
  await refused(() => companies.batchApi.update({ inputs: named }), 400);
});

await check("batch upsert makes by mail address, then updates", async () => {
  const input = { id: "ada@sandbox.example", idProperty: "email", properties: { firstname: "Ada" } };
  const first = await crm.contacts.batchApi.upsert({ inputs: [input] });
  assert.equal(first.results[0]._new, true);
  const second = await crm.contacts.batchApi.upsert({ inputs: [{ ...input, properties: { firstname: "Ada M." } }] });
  assert.equal(second.results[0]._new, false);
  assert.equal(second.results[0].id, first.results[0].id);
  const read = await crm.contacts.basicApi.getById(input.id, ["firstname"], undefined, undefined, false, "email");
  assert.equal(read.properties.firstname, "Ada M.");
  const taken = await refused(() => crm.contacts.basicApi.create({ properties: { email: input.id }, associations: [] }), 409);
  assert.equal(taken.body.category, "CONFLICT");
});

await check("search filters, sorts and pages by integers", async () => {
  const request = (after) => ({
    filterGroups: [{ filters: [{ propertyName: "city", operator: "EQ", value: "batchville" }] }],
    sorts: [{ propertyName: "hs_object_id", direction: "ASCENDING" }],
    properties: ["zip"],
    limit: 30,
    after,
  });
  const seen = [];
  for (let after; ; ) {
    const page = await companies.searchApi.doSearch(request(after));
    assert.equal(page.total, 100);
    seen.push(...page.results.map((one) => one.id));
    after = page.paging?.next?.after;
    if (!after) break;
  }
  assert.deepEqual(seen, made.map((one) => one.id));
  const above = { filterGroups: [{ filters: [{ propertyName: "hs_object_id", operator: "GT", value: seen[97] }] }] };
  const last = await companies.searchApi.doSearch({ ...request(), filterGroups: [...above.filterGroups] });
  assert.ok(last.results.every((one) => Number(one.id) > Number(seen[97])));
});

await check("search refuses to page past 10,000, long pages and too many filters", async () => {
  const filter = { propertyName: "city", operator: "HAS_PROPERTY" };
  await companies.searchApi.doSearch({ limit: 200, after: "9800" });
  const past = await refused(() => companies.searchApi.doSearch({ limit: 200, after: "9900" }), 400);
  assert.equal(past.body.category, "VALIDATION_ERROR");
  await refused(() => companies.searchApi.doSearch({ limit: 201 }), 400);
  await refused(() => companies.searchApi.doSearch({ after: "soon" }), 400);
  await refused(() => companies.searchApi.doSearch({ filterGroups: Array(6).fill({ filters: [filter] }) }), 400);
  await refused(() => companies.searchApi.doSearch({ filterGroups: [{ filters: Array(7).fill(filter) }] }), 400);
  const query = Array(500).fill("longer").join(" ");
  await refused(() => companies.searchApi.doSearch({ query }), 400);
});

await check("list pages through everything, at most 100 at a time", async () => {
  const all = await companies.getAll(100, undefined, ["name"]);
  const searched = await companies.searchApi.doSearch({ limit: 1 });
  assert.equal(all.length, searched.total);
  await refused(() => companies.basicApi.getPage(101), 400);
});

await check("archived companies are only in the archived list", async () => {
  const [one, two, ...rest] = made;
  await companies.basicApi.archive(one.id);
  await companies.batchApi.archive({ inputs: [{ id: two.id }] });
  await refused(() => companies.basicApi.getById(one.id), 404);
  const archived = await companies.basicApi.getPage(100, undefined, undefined, undefined, undefined, true);
  assert.deepEqual(archived.results.map((each) => each.id), [one.id, two.id]);
  assert.ok(archived.results[0].archived && archived.results[0].archivedAt instanceof Date);
  const filters = [{ propertyName: "hs_object_id", operator: "IN", values: [one.id, two.id, rest[0].id] }];
  assert.equal((await companies.searchApi.doSearch({ filterGroups: [{ filters }] })).total, 1);
});

await check("owners are listed, found by mail and read by id", async () => {
  const { results } = await crm.owners.ownersApi.getPage();
  assert.ok(results.length >= 2);
  const found = await crm.owners.ownersApi.getPage(results[1].email);
  assert.deepEqual(found.results.map((owner) => owner.id), [results[1].id]);
  const one = await crm.owners.ownersApi.getById(Number(results[1].id));
  assert.equal(one.userId, results[1].userId);
  await refused(() => crm.owners.ownersApi.getById(1), 404);
});

await check("a task belongs to the company it was made for", async () => {
  const to = made[10];
  const types = [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 192 }];
  const due = Date.UTC(2026, 10, 24, 8);
  const task = await crm.objects.tasks.basicApi.create({
    properties: { hs_timestamp: String(due), hs_task_subject: "Call back", hs_task_status: "NOT_STARTED", hs_task_type: "CALL" },
    associations: [{ to: { id: to.id }, types }],
  });
  const read = await crm.objects.tasks.basicApi.getById(task.id, ["hs_timestamp"], undefined, ["companies"]);
  assert.equal(new Date(read.properties.hs_timestamp).getTime(), due);
  assert.deepEqual(read.associations.companies.results.map((one) => one.id), [to.id]);
  const tasks = await control("GET", `/companies/${to.id}/tasks`);
  assert.deepEqual(tasks.records.map((one) => one.id), [task.id]);
  const back = await crm.associations.v4.basicApi.getPage("companies", to.id, "tasks");
  assert.deepEqual(back.results.map((one) => String(one.toObjectId)), [task.id]);
  await refused(() => crm.objects.tasks.basicApi.create({ properties: { hs_task_subject: "No time" }, associations: [] }), 400);
  const wrong = [{ to: { id: to.id }, types: [{ ...types[0], associationTypeId: 204 }] }];
  await refused(() => crm.objects.tasks.basicApi.create({ properties: { hs_timestamp: String(due) }, associations: wrong }), 400);
});

await check("a default association can be put later", async () => {
  const note = await crm.objects.notes.basicApi.create({
    properties: { hs_timestamp: "2026-11-24T08:00:00Z", hs_note_body: "Met the owner" },
    associations: [],
  });
  await crm.associations.v4.basicApi.createDefault("notes", note.id, "companies", made[11].id);
  const notes = await control("GET", `/companies/${made[11].id}/notes`);
  assert.deepEqual(notes.records.map((one) => one.id), [note.id]);
});

await check("a merge gives a new record that keeps the primary's values", async () => {
  const primary = await companies.basicApi.create(company("Kept", { city: "Austin" }));
  const merged = await companies.basicApi.create(company("Given up", { zip: "73301" }));
  const result = await companies.basicApi.merge({ primaryObjectId: primary.id, objectIdToMerge: merged.id });
  assert.ok(![primary.id, merged.id].includes(result.id));
  const read = await companies.basicApi.getById(result.id, ["name", "city", "zip", "hs_merged_object_ids"]);
  assert.equal(read.properties.name, "Kept");
  assert.equal(read.properties.zip, "73301");
  assert.equal(read.properties.hs_merged_object_ids, `${primary.id};${merged.id}`);
  assert.equal((await companies.basicApi.getById(primary.id)).id, result.id);
});

await check("a property is made in its group, once, and then takes values", async () => {
  const name = "territory_code";
  await refused(() => crm.properties.coreApi.getByName("companies", name), 404);
  const property = { name, label: "Territory", groupName: "territories", type: "string", fieldType: "text" };
  await refused(() => crm.properties.coreApi.create("companies", property), 400);
  await crm.properties.groupsApi.create("companies", { name: "territories", label: "Territories" });
  const defined = await crm.properties.coreApi.create("companies", property);
  assert.equal(defined.groupName, "territories");
  await refused(() => crm.properties.coreApi.create("companies", property), 409);
  const all = await crm.properties.coreApi.getAll("companies");
  assert.ok(all.results.some((each) => each.name === name));
  const one = await companies.basicApi.create(company("Zoned", { [name]: "NE-1" }));
  assert.equal((await companies.basicApi.getById(one.id, [name])).properties[name], "NE-1");
});

await check("a wrong token is refused, and a portal sees only its own records", async () => {
  const error = await refused(() => client("pat-nobody").crm.companies.basicApi.getPage(), 401);
  assert.equal(error.body.category, "INVALID_AUTHENTICATION");
  const other = client(OTHER.token).crm.companies;
  assert.deepEqual((await other.basicApi.getPage()).results, []);
  await refused(() => other.basicApi.getById(made[20].id), 404);
});

await check("rate limits are told in headers, and refused with policy names", async () => {
  await control("PUT", "/rate-limits", { enabled: true, burst: 3, window_ms: 60000 });
  const error = await refused(() => companies.basicApi.getPage(1), 429);
  assert.equal(error.body.policyName, "TEN_SECONDLY_ROLLING");
  assert.equal(error.body.errorType, "RATE_LIMIT");
  assert.equal(error.headers["x-hubspot-ratelimit-max"], "3");
  assert.equal(error.headers["x-hubspot-ratelimit-remaining"], "0");
  await control("PUT", "/rate-limits", { enabled: false });
  const free = await fetch(`${sandbox.base}/crm/objects/2026-09/companies?limit=1`, { headers: { authorization: `Bearer ${PORTAL.token}` } });
  for (const name of ["max", "remaining", "interval-milliseconds", "daily"]) {
    assert.match(free.headers.get(`x-hubspot-ratelimit-${name}`) ?? "", /^\d+$/, name);
  }
});

await check("the client retries searches refused for the second", async () => {
  await control("PUT", "/rate-limits", { enabled: true, search_per_second: 1 });
  const patient = client(PORTAL.token, { numberOfApiCallRetries: 3 }).crm.companies.searchApi;
  await patient.doSearch({ limit: 1 });
  await patient.doSearch({ limit: 1 });
  await control("PUT", "/rate-limits", { enabled: false });
});

await check("the client retries server errors", async () => {
  await control("POST", "/call-faults", { status: 502, times: 2 });
  const patient = client(PORTAL.token, { numberOfApiCallRetries: 3 }).crm.companies.basicApi;
  assert.equal((await patient.getPage(1)).results.length, 1);
  await control("POST", "/call-faults", { status: 477, retry_after_s: 30 });
  await refused(() => companies.basicApi.getPage(1), 477);
});

for (const version of ["2026-03", "2026-09"]) {
  await check(`the dated paths of ${version} serve the same records`, async () => {
    const headers = { authorization: `Bearer ${PORTAL.token}`, "content-type": "application/json" };
    const at = (path, init = {}) => fetch(`${sandbox.base}${path}`, { headers, ...init });
    const one = await (await at(`/crm/objects/${version}/companies/${made[30].id}?properties=zip`)).json();
    assert.equal(one.properties.zip, "10030");
    const owners = await (await at(`/crm/owners/${version}`)).json();
    assert.ok(owners.results.length > 0);
    const body = JSON.stringify({ inputs: ids(made.slice(30, 32)), properties: ["zip"] });
    const batch = await at(`/crm/objects/${version}/companies/batch/read`, { method: "POST", body });
    assert.equal((await batch.json()).results.length, 2);
    assert.equal((await at("/crm/objects/2024-01/companies")).status, 404);
  });
}

await check("webhooks carry signatures the client accepts", async () => {
  const publicUrl = "https://hooks.customer.example/hooks/hubspot?tenant=7";
  await control("PUT", "/webhook", { url: receiver.url, public_url: publicUrl });
  const changed = await companies.basicApi.create(company("Signed & söhne", { city: "Zürich" }));
  await control("PATCH", `/records/companies/${changed.id}`, { city: "Genève" });
  await control("POST", "/wait-idle", {});
  assert.ok(receiver.received.length > 0);
  const events = [];
  for (const { headers, body } of receiver.received) {
    const base = { clientSecret: PORTAL.secret, requestBody: body };
    const timestamp = headers["x-hubspot-request-timestamp"];
    const v3 = { ...base, signatureVersion: "v3", url: publicUrl, method: "POST", timestamp };
    const signature = headers["x-hubspot-signature-v3"];
    assert.ok(Signature.isValid({ ...v3, signature }));
    assert.ok(!Signature.isValid({ ...v3, signature, url: receiver.url }));
    assert.ok(!Signature.isValid({ ...v3, signature, requestBody: `${body} ` }));
    assert.equal(headers["x-hubspot-signature-version"], "v1");
    assert.ok(Signature.isValid({ ...base, signatureVersion: "v1", signature: headers["x-hubspot-signature"] }));
    events.push(...JSON.parse(body));
  }
  const creation = events.find((event) => event.subscriptionType === "company.creation");
  assert.equal(String(creation.objectId), changed.id);
  assert.equal(creation.changeSource, "INTEGRATION");
  const cities = events.filter((event) => event.propertyName === "city");
  assert.deepEqual(cities.map((event) => [event.propertyValue, event.changeSource]), [["Zürich", "INTEGRATION"], ["Genève", "CRM_UI"]]);
  assert.ok(events.every((event) => event.portalId === PORTAL.id && event.attemptNumber === 0));
});

const good = finish();
sandbox.stop();
receiver.stop();
process.exit(good ? 0 : 1);
