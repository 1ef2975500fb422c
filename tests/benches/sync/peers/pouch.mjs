// PouchDB: told what to do line by line, answers in JSON.
//   pouch.mjs client FOLDER URL     a client with LevelDB in FOLDER, replicating with the database at URL
//   pouch.mjs fill URL LEADS        puts leads (JSON lines) into the database at URL
//   pouch.mjs change URL COUNT      changes so many of its leads
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.env.PEERS + '/');
const PouchDB = require('pouchdb');
const BATCH = 1000;
const [part, ...args] = process.argv.slice(2);

async function write(db, docs) {
  for (let at = 0; at < docs.length; at += BATCH) {
    const answers = await db.bulkDocs(docs.slice(at, at + BATCH));
    const failed = answers.find((answer) => answer.error);
    if (failed) throw new Error(JSON.stringify(failed));
  }
}

async function change(db, count, phone) {
  const { rows } = await db.allDocs({ include_docs: true, limit: count });
  await write(db, rows.map(({ doc }) => ({ ...doc, phone })));
}

async function timed(work) {
  const start = performance.now();
  const result = await work();
  if (!result.ok || result.errors.length) throw new Error(JSON.stringify(result));
  return { seconds: (performance.now() - start) / 1e3, read: result.docs_read, written: result.docs_written };
}

async function client(folder, url) {
  const db = new PouchDB(folder);
  const options = { batch_size: BATCH, batches_limit: 2 };
  const commands = {
    pull: () => timed(() => db.replicate.from(url, options)),
    push: () => timed(() => db.replicate.to(url, options)),
    edit: async (count) => (await change(db, Number(count), '+1 617 555 0101'), true),
    count: async () => (await db.allDocs({ limit: 0 })).total_rows,
  };
  await db.info();
  console.log('open');
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...rest] = line.split(' ');
    if (command === 'quit') break;
    console.log(JSON.stringify(await commands[command](...rest)));
  }
  await db.close();
}

if (part === 'client') {
  await client(...args);
} else if (part === 'fill') {
  const docs = readFileSync(args[1], 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  await write(new PouchDB(args[0]), docs);
} else if (part === 'change') {
  await change(new PouchDB(args[0]), Number(args[1]), '+1 617 555 0102');
}
process.exit(0);
