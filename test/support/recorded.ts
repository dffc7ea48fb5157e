import assert from "node:assert/strict";
import { at as field } from "../../tools/json";
import { runProgram, type RecordedResource } from "../../tools/monitor";
import { stackConfig } from "../../tools/stackConfig";
import program from "../../index";

export { field };

/** The resources that a piece of code registers, with ways to find them. */
export class Recorded {
    constructor(readonly resources: readonly RecordedResource[]) {}

    /** The one resource of that name. */
    get(name: string): RecordedResource {
        const found = this.resources.filter((resource) => resource.name === name);
        assert.equal(found.length, 1, `expected one resource "${name}" among ${this.names().join(", ")}`);
        const [only] = found;
        assert.ok(only);
        return only;
    }

    names(): string[] {
        return this.resources.map(({ name }) => name);
    }

    ofType(suffix: string): RecordedResource[] {
        return this.resources.filter(({ type }) => type.endsWith(suffix));
    }

    /** The name of the resource's parent. */
    parentOf(name: string): string {
        return nameOf(this.get(name).parent);
    }

    /** The names of what the resource names as its dependencies. */
    dependenciesOf(name: string): string[] {
        return this.get(name).dependsOn.map(nameOf).sort();
    }

    /** A field of the resource's inputs, by path. */
    input(name: string, ...path: (string | number)[]): unknown {
        return field(this.get(name).inputs, ...path);
    }

    /** The position at which the resource was registered. */
    orderOf(name: string): number {
        return this.resources.indexOf(this.get(name));
    }
}

function nameOf(urn: string | undefined): string {
    return urn?.split("::").pop() ?? "";
}

/** Runs a piece of code under mocks. */
export async function record(code: () => unknown, options: { preview?: boolean } = {}): Promise<Recorded> {
    const { resources } = await runProgram({
        program: async () => {
            await code();
            return {};
        },
        project: "pulumi-istio-platform",
        stack: "test",
        config: {},
        preview: options.preview ?? false,
    });
    return new Recorded(resources);
}

/** Runs the whole program of a stack under mocks, with some of its config changed. */
export async function recordStack(
    stack: string,
    changes: Record<string, string> = {},
    options: { preview?: boolean } = {},
): Promise<Recorded & { outputs: Record<string, unknown> }> {
    const { resources, outputs } = await runProgram({
        program,
        project: "pulumi-istio-platform",
        stack,
        config: { ...stackConfig(stack), "kubernetes:context": "test", ...changes },
        preview: options.preview ?? false,
    });
    return Object.assign(new Recorded(resources), { outputs });
}
