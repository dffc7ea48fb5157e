import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { UserError } from "../errors";
import { root } from "../project";
import { findCli, type FoundCli } from "./cli";

/** Which engine deploys onto a sandbox: `auto` is the CLI where it can be had. */
export type EngineChoice = "auto" | "pulumi" | "rehearsal";

/**
 * Finds the engine for a sandbox: the Pulumi CLI, or none and then why there is to be a rehearsal. What a sandbox was
 * deployed with first stays its engine, since neither knows what the other one made; `file` remembers it.
 */
export async function chooseEngine(
    wanted: EngineChoice,
    file: string,
    report: (text: string) => void,
): Promise<FoundCli> {
    const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    refuseChange(wanted, before);
    if (wanted === "rehearsal" || before === "rehearsal") {
        writeFileSync(file, "rehearsal");
        const reason =
            wanted === "rehearsal" ? "as asked for" : "as before; the next engine is chosen after `npm stop`";
        return { cli: undefined, reason };
    }
    const found = await findCli({ root, report });
    if (found.cli === undefined && (wanted === "pulumi" || before === "pulumi")) {
        throw new UserError(
            `The stack cannot be deployed with the Pulumi CLI: ${found.reason}.`,
            before === "pulumi"
                ? "Without it, run `npm stop` first; `npm start` then rehearses on a new sandbox."
                : "Leave --engine out, and the stack is rehearsed.",
        );
    }
    writeFileSync(file, found.cli === undefined ? "rehearsal" : "pulumi");
    return found;
}

function refuseChange(wanted: EngineChoice, before: string | undefined): void {
    if (before === "pulumi" && wanted === "rehearsal") {
        throw new UserError("This sandbox was deployed with the Pulumi CLI.", "Run `npm stop` before a rehearsal.");
    }
    if (before === "rehearsal" && wanted === "pulumi") {
        throw new UserError("This sandbox was deployed by a rehearsal.", "Run `npm stop`, then this again.");
    }
}
