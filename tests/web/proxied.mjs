// A proxy before a realm, as an operator would set one up: with TLS, with a prefix, or both. WebSockets go through it too.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";

/** Hands on to `port` what comes below `prefix`, without it. With `tls` it speaks TLS, under a certificate of its own. */
export async function proxied(port, { prefix = "/", tls = false } = {}) {
  const strip = (url) => (url.startsWith(prefix) ? `/${url.slice(prefix.length)}` : null);
  const serve = (asked, answer) => {
    const path = strip(asked.url);
    if (path === null) {
      answer.writeHead(404).end();
      return;
    }
    const onward = request({ port, path, method: asked.method, headers: asked.headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  };
  const server = tls ? createTlsServer(selfSigned("127.0.0.1"), serve) : createServer(serve);
  server.on("upgrade", (asked, socket) => {
    const onward = connect(port, "127.0.0.1", () => {
      const headers = asked.rawHeaders.flatMap((text, index) => (index % 2 === 0 ? [`${text}: ${asked.rawHeaders[index + 1]}`] : []));
      onward.write(`GET ${strip(asked.url)} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) {
      end.on("error", () => end.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `${tls ? "https" : "http"}://127.0.0.1:${server.address().port}${prefix}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, close };
}

/** A key and a certificate that it signs itself, good for an hour: X.509 as RFC 5280 writes it, which Node alone does not make. */
function selfSigned(name) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const der = (tag, ...parts) => {
    const body = Buffer.concat(parts);
    const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
    return Buffer.concat([Buffer.from([tag, ...length]), body]);
  };
  const [sequence, text] = [(...parts) => der(0x30, ...parts), (tag, words) => der(tag, Buffer.from(words))];
  const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const commonName = sequence(der(0x31, sequence(oid("550403"), text(0x0c, name))));
  const time = (ms) => text(0x17, `${new Date(ms).toISOString().replace(/^..|[-:T]|\..*$/g, "")}Z`);
  const hour = 3_600_000;
  const altName = sequence(oid("551d11"), der(0x04, sequence(der(0x87, Buffer.from(name.split(".").map(Number))))));
  const told = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    commonName,
    sequence(time(Date.now() - hour), time(Date.now() + hour)),
    commonName,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(altName)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", told, privateKey));
  const certificate = sequence(told, ecdsaWithSha256, signature).toString("base64").replace(/.{64}/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  };
}
