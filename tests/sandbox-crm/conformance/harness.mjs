// Starts a sandbox, receives its webhooks, and counts what passed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

export const PORTAL = { id: 4711, token: "pat-conformance-4711", secret: "conformance-secret" };
export const OTHER = { id: 4712, token: "pat-conformance-4712" };

export async function startSandbox() {
  const child = spawn(
    process.env.SANDBOX_BIN,
    [
      "--portal", `${PORTAL.id}:${PORTAL.token}`,
      "--portal", `${OTHER.id}:${OTHER.token}`,
      "--client-secret", PORTAL.secret,
      "--no-limits",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  process.on("exit", () => child.kill());
  const failed = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  failed.catch(() => {});
  const listening = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = line.match(/^listening on (\S+)$/);
      if (found) return found[1];
    }
    throw new Error("the sandbox never said where it listens");
  })();
  return { base: await Promise.race([listening, failed]), stop: () => child.kill() };
}

// The levers behind the CRM, see the routes under /sandbox.
export function controls(base) {
  return async (method, path, body) => {
    const response = await fetch(`${base}/sandbox/portals/${PORTAL.id}${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    assert.equal(response.status, 200, `${method} ${path}: ${await response.clone().text()}`);
    return response.json();
  };
}

export async function startReceiver() {
  const received = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      response.writeHead(200).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/hooks/hubspot?tenant=7`;
  return { url, received, stop: () => server.close() };
}

export function counter() {
  let passed = 0;
  let failed = 0;
  return {
    async check(name, test) {
      try {
        await test();
        passed += 1;
        console.log(`ok   ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL ${name}\n     ${String(error?.stack ?? error).replaceAll("\n", "\n     ")}`);
      }
    },
    finish() {
      console.log(`${passed} passed, ${failed} failed`);
      return failed === 0 && passed > 0;
    },
  };
}

// Runs a call that must fail and returns the client's exception.
export async function refused(call, code) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.code, code, `expected ${code}, got ${error.code}: ${error.message}`);
    return error;
  }
  throw new Error(`expected ${code}, but the call succeeded`);
}
