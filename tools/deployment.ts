import type { RecordedResource } from "./monitor";

/** What became of a resource in the cluster. */
export type Outcome = "created" | "changed" | "unchanged" | "deleted" | "left out";

/** What became of a resource, and what it is now. */
export interface Made {
    outcome: Outcome;
    /** Why, where the outcome does not speak for itself. */
    note?: string;
    /** The object as the cluster has it. */
    live?: unknown;
}

/** One resource of a deployment. */
export interface ResourceResult {
    urn: string;
    type: string;
    name: string;
    parent: string;
    outcome: Outcome;
    note?: string;
    /** Milliseconds since the start of the deployment. */
    start: number;
    end: number;
}

/** A deployment: by the rehearsal or by the engine. */
export interface Deployment {
    results: ResourceResult[];
    /** Components, by URN: type and parent, for grouping. */
    components: Pick<RecordedResource, "urn" | "type" | "name" | "parent">[];
    outputs: Record<string, unknown>;
    milliseconds: number;
}

/** How far a deployment is. */
export interface Progress {
    done: number;
    /** Names of what is being made now, the longest first. */
    active: string[];
}
