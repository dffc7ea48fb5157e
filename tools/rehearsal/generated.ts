import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { isObject, parseJson, type Json } from "../json";
import type { RecordedResource, ResourceState } from "../monitor";

/**
 * What `@pulumi/random` makes, without its provider: kept in a file that only this user can read, so that the next
 * rehearsal finds the same values and nothing to change.
 */
export class GeneratedValues {
    private readonly values: Json;

    constructor(private readonly file: string) {
        const stored = existsSync(file) ? parseJson(readFileSync(file, "utf8")) : {};
        this.values = isObject(stored) ? stored : {};
    }

    /** The state of a random resource, or undefined when the resource is of another kind. */
    make({ type, urn, inputs }: RecordedResource): ResourceState | undefined {
        switch (type) {
            case "random:index/randomPassword:RandomPassword": {
                const result = this.keep(urn, () => password(inputs));
                const bcryptHash = pulumi.secret("");
                return { id: "none", state: { ...inputs, result: pulumi.secret(result), bcryptHash } };
            }
            case "random:index/randomString:RandomString": {
                const result = this.keep(urn, () => password(inputs));
                return { id: result, state: { ...inputs, result } };
            }
            case "random:index/randomUuid:RandomUuid": {
                const result = this.keep(urn, randomUUID);
                return { id: result, state: { ...inputs, result } };
            }
            case "random:index/randomId:RandomId":
            case "random:index/randomBytes:RandomBytes":
                return this.bytes(urn, inputs, type.endsWith("RandomBytes"));
            default:
                return undefined;
        }
    }

    private bytes(urn: string, inputs: Json, secret: boolean): ResourceState {
        const length = Number(inputs["byteLength"] ?? inputs["length"] ?? 8);
        const bytes = Buffer.from(
            this.keep(urn, () => randomBytes(length).toString("hex")),
            "hex",
        );
        const hidden = (text: string) => (secret ? pulumi.secret(text) : text);
        const prefix = typeof inputs["prefix"] === "string" ? inputs["prefix"] : "";
        const state = {
            ...inputs,
            hex: hidden(prefix + bytes.toString("hex")),
            base64: hidden(bytes.toString("base64")),
            b64Std: hidden(prefix + bytes.toString("base64")),
            b64Url: hidden(prefix + bytes.toString("base64url")),
            dec: hidden(prefix + BigInt(`0x${bytes.toString("hex") || "0"}`).toString()),
        };
        return { id: secret ? "none" : bytes.toString("base64url"), state };
    }

    private keep(urn: string, make: () => string): string {
        const known = this.values[urn];
        if (typeof known === "string") {
            return known;
        }
        const made = make();
        this.values[urn] = made;
        writeFileSync(this.file, JSON.stringify(this.values, undefined, 2), { mode: 0o600 });
        return made;
    }
}

/** Letters of every kind that is not switched off; at least one of each kind that has a minimum. */
function password(inputs: Json): string {
    const length = Number(inputs["length"] ?? 16);
    const kinds = [
        { letters: "abcdefghijklmnopqrstuvwxyz", on: inputs["lower"] !== false, min: Number(inputs["minLower"] ?? 0) },
        { letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", on: inputs["upper"] !== false, min: Number(inputs["minUpper"] ?? 0) },
        { letters: "0123456789", on: inputs["numeric"] !== false, min: Number(inputs["minNumeric"] ?? 0) },
        { letters: specials(inputs), on: inputs["special"] !== false, min: Number(inputs["minSpecial"] ?? 0) },
    ].filter(({ on }) => on);
    const required = kinds.flatMap(({ letters, min }) => Array.from({ length: min }, () => pick(letters)));
    const all = kinds.map(({ letters }) => letters).join("");
    const rest = Array.from({ length: Math.max(0, length - required.length) }, () => pick(all));
    return shuffled([...required, ...rest]).join("");
}

function specials(inputs: Json): string {
    const own = inputs["overrideSpecial"];
    return typeof own === "string" && own !== "" ? own : "!@#$%&*()-_=+[]{}<>:?";
}

function pick(letters: string): string {
    return letters[randomInt(letters.length)] ?? "";
}

function shuffled(letters: string[]): string[] {
    return letters
        .map((letter) => ({ letter, order: randomInt(2 ** 31) }))
        .sort((a, b) => a.order - b.order)
        .map(({ letter }) => letter);
}
