// PowerSync's client core (the loadable extension inside the npm package) fed with the lines its service
// would stream, from memory: told what to do line by line, answers in JSON.
//   powersync.mjs lines LEADS PULL DELTA COUNT   makes the lines of a first sync and of a later one that changes COUNT leads
//   powersync.mjs client FILE PULL DELTA         a client with its database in FILE
import { createInterface } from 'node:readline';
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const require = createRequire(process.env.PEERS + '/');
const { serialize } = require('bson');
const BUCKET = 'leads[]';
const ROWS_A_LINE = 1000;
const KINDS = { x64: 'x64', arm64: 'aarch64' };
const COLUMNS = ['name', 'street', 'zip', 'city', 'lat', 'lon', 'phone', 'status', 'territory', 'owner', 'score', 'updated_at'];
const TYPES = { lat: 'real', lon: 'real', score: 'integer', updated_at: 'integer' };
const schema = { tables: [{ name: 'lead', columns: COLUMNS.map((name) => ({ name, type: TYPES[name] ?? 'text' })), indexes: [] }] };

function extension() {
  const folder = join(dirname(require.resolve('@powersync/node/package.json')), 'lib');
  const library = join(folder, `libpowersync_${KINDS[process.arch]}.linux.so`);
  if (!existsSync(library)) throw new Error(`no core for this machine: ${library}`);
  return library;
}

function open(file) {
  const db = new DatabaseSync(file, { allowExtension: true });
  db.loadExtension(extension(), 'sqlite3_powersync_init');
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA recursive_triggers = TRUE');
  within(db, () => db.prepare('SELECT powersync_init()').get());
  within(db, () => db.prepare('SELECT powersync_replace_schema(?)').get(JSON.stringify(schema)));
  return db;
}

function within(db, work) {
  db.exec('BEGIN IMMEDIATE');
  const result = work();
  db.exec('COMMIT');
  return result;
}

function control(db, command, payload) {
  const { answer } = within(db, () => db.prepare('SELECT powersync_control(?, ?) AS answer').get(command, payload));
  return JSON.parse(answer);
}

// Any 32-bit number will do as long as the bucket's is the sum of its operations'.
const checksum = (operation) => Math.imul(operation, 0x9e3779b1) >>> 0;

function operation(number, lead) {
  const { _id, ...cells } = lead;
  return { op_id: String(number), op: 'PUT', object_type: 'lead', object_id: _id, subkey: '', checksum: checksum(number), data: JSON.stringify(cells) };
}

// The lines that bring the operations after `after`, as the service streams them.
function* lines(leads, after) {
  const last = after + leads.length;
  let sum = 0;
  for (let n = 1; n <= last; n += 1) sum = (sum + checksum(n)) | 0;
  const bucket = { bucket: BUCKET, checksum: sum, count: last, priority: 3, subscriptions: [{ default: 0 }] };
  const streams = [{ name: 'leads', is_default: true, errors: [] }];
  yield { checkpoint: { last_op_id: String(last), write_checkpoint: null, buckets: [bucket], streams } };
  for (let at = after; at < last; at += ROWS_A_LINE) {
    const data = leads.slice(at - after, at - after + ROWS_A_LINE).map((lead, n) => operation(at + n + 1, lead));
    yield { data: { bucket: BUCKET, has_more: false, after: String(at), next_after: String(at + data.length), data } };
  }
  yield { checkpoint_complete: { last_op_id: String(last) } };
}

// Lines are kept in a file, each after its length, so that only one is in memory at a time.
function keep(file, all) {
  const out = openSync(file, 'w');
  for (const line of all) {
    const bytes = serialize(line);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    writeSync(out, length);
    writeSync(out, bytes);
  }
  closeSync(out);
}

function* kept(file) {
  const from = openSync(file, 'r');
  const length = Buffer.alloc(4);
  while (readSync(from, length) === 4) {
    const line = Buffer.alloc(length.readUInt32LE());
    readSync(from, line);
    yield line;
  }
  closeSync(from);
}

// Tells the core that the stream opens; answers after which operation it wants to go on.
function start(db) {
  control(db, 'stop', null);
  const instructions = control(db, 'start', JSON.stringify({ parameters: {}, schema, include_defaults: true }));
  const { request } = instructions.find((i) => i.EstablishSyncStream).EstablishSyncStream;
  return Number(request.buckets.find((b) => b.name === BUCKET)?.after ?? 0);
}

// Applies the kept lines, passing over `known` lines of data that it has. Stops after `most`, if told.
function apply(db, file, known, most) {
  const began = performance.now();
  let taken = 0;
  let done = false;
  let at = 0;
  for (const line of kept(file)) {
    const isKnown = at > 0 && at <= known;
    at += 1;
    if (isKnown) continue;
    done = control(db, 'line_binary', line).some((i) => i.DidCompleteSync) || done;
    taken += 1;
    if (taken === most) return { taken };
  }
  if (!done) throw new Error('the checkpoint was not applied');
  return { seconds: (performance.now() - began) / 1e3, taken };
}

function client(file, pullFile, deltaFile) {
  const db = open(file);
  return {
    pull: () => apply(db, pullFile, start(db) / ROWS_A_LINE),
    some: (most) => apply(db, pullFile, start(db) / ROWS_A_LINE, Number(most)),
    delta: () => { start(db); return apply(db, deltaFile, 0); },
    count: () => db.prepare('SELECT count(*) AS n FROM lead').get().n,
    close: () => db.close(),
  };
}

const [part, ...args] = process.argv.slice(2);
if (part === 'lines') {
  const [leadsFile, pullFile, deltaFile, changed] = args;
  const leads = readFileSync(leadsFile, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  keep(pullFile, lines(leads, 0));
  const edited = leads.slice(0, Number(changed)).map((lead) => ({ ...lead, phone: '+1 617 555 0102' }));
  keep(deltaFile, lines(edited, leads.length));
  process.exit(0);
}
const commands = client(...args);
console.log('open');
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...rest] = line.split(' ');
  if (command === 'quit') break;
  console.log(JSON.stringify(commands[command](...rest)));
}
commands.close();
