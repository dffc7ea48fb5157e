import type { Command } from "commander";
import { UserError } from "./errors";

/** Names that npm itself has options of: that those are set says nothing. */
const npmsOwn = ["yes", "engine"];

/**
 * Refuses options that npm took for itself because the `--` before them was forgotten: `npm start --context NAME` would
 * quietly deploy elsewhere than it says.
 */
export function refuseSwallowedOptions(command: Command): void {
    const names = command.options.map((option) => option.attributeName()).filter((name) => !npmsOwn.includes(name));
    const [swallowed] = names.filter((name) => process.env[`npm_config_${name}`] !== undefined);
    const script = process.env.npm_lifecycle_event;
    if (script !== undefined && swallowed !== undefined) {
        throw new UserError(
            `npm took --${swallowed} for an option of its own.`,
            `Write two dashes before the options: \`npm ${script} -- --${swallowed} …\`.`,
        );
    }
}
