// Drives the module with Node.js: sockets, time and random numbers are JavaScript's. Arguments: MODULE PROXY_IP:PORT
// NAME.onion:PORT TX_ID FILE. Sends one transaction to one hidden service through Tor, and ends.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

const [module, proxy, peer, id, file] = process.argv.slice(2);
const wasm = (await WebAssembly.instantiate(readFileSync(module))).instance.exports;
const INPUT = { TIMEOUT: 0, SUBMIT: 1, DIALED: 2, DIAL_FAILED: 3, READ: 4, WROTE: 5, CLOSED: 6 };
const OUTPUT = ["timer", "dial", "window", "write", "close", "handed", "stopped"];
const links = new Map();
let timer;

const now = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
// the buffer's place first: making room there may replace the memory
function memory(length) { const at = wasm.buffer(length); return Buffer.from(wasm.memory.buffer, at, length); }
const number = (value, size) => { const bytes = Buffer.alloc(size); bytes.writeUIntLE(value, 0, size); return bytes; };

// Hands one record over, and does what comes back.
function step(kind, conn = 0n, payload = Buffer.alloc(0)) {
    const head = Buffer.alloc(9, kind);
    head.writeBigUInt64LE(conn, 1);
    const record = Buffer.concat([head, payload]);
    memory(record.length).set(record);
    let rest = Buffer.from(memory(wasm.step(now())));
    while (rest.length > 0) {
        const end = 13 + rest.readUInt32LE(9);
        act[OUTPUT[rest[0]]](rest.readBigUInt64LE(1), rest.subarray(13, end));
        rest = rest.subarray(end);
    }
}

const act = {
    timer(_, at) {
        clearTimeout(timer);
        timer = setTimeout(step, Math.min(Number(at.readBigUInt64LE() - now()) / 1000, 2 ** 31 - 1), INPUT.TIMEOUT);
    },
    dial(conn, asked) {
        const [host, port] = asked.subarray(8).toString().split(":");
        const key = Buffer.concat([Buffer.of(16), Buffer.from(asked.toString("hex", 0, 8))]);
        const socket = connect(...proxy.split(":").reverse());
        const name = Buffer.concat([Buffer.of(5, 1, 0, 3, host.length), Buffer.from(host), Buffer.of(port >> 8, port & 255)]);
        socket.write(Buffer.concat([Buffer.of(5, 1, 2, 1), key, key, name]));
        links.set(conn, { socket, window: 0, open: false });
        socket.on("readable", () => read(conn));
        socket.on("error", () => {});
        socket.on("close", () => links.delete(conn) && step(INPUT.CLOSED, conn));
    },
    window(conn, bytes) {
        if (links.has(conn)) { links.get(conn).window = bytes.readUInt32LE(); setImmediate(read, conn); }
    },
    write(conn, bytes) {
        links.get(conn)?.socket.write(bytes, () => step(INPUT.WROTE, conn, number(bytes.length, 4)));
    },
    close(conn) { const link = links.get(conn); links.delete(conn); link?.socket.destroy(); },
    handed() { console.log("handed over"); },
    stopped() { process.exit(0); },
};

// Reads as much as the node's window allows; first, the proxy's answer.
function read(conn) {
    const link = links.get(conn);
    const bytes = link?.socket.read(link.open ? Math.min(link.window, link.socket.readableLength) || 0 : 14);
    if (!bytes || bytes.length === 0) return;
    if (link.open) {
        link.window = 0;
        return step(INPUT.READ, conn, bytes);
    }
    link.open = bytes.toString("hex", 0, 6) === "050201000500";
    step(link.open ? INPUT.DIALED : INPUT.DIAL_FAILED, conn);
}

const setup = Buffer.concat([randomBytes(32), Buffer.from(peer)]);
memory(setup.length).set(setup);
if (wasm.start(now()) !== 0) throw new Error(`${peer} is no onion address`);
step(INPUT.SUBMIT, 0n, Buffer.concat([Buffer.from(id, "hex"), readFileSync(file)]));
