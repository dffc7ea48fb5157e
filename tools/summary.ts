import Table from "cli-table3";
import { formatDuration } from "./duration";
import type { Deployment, Outcome, ResourceResult } from "./deployment";
import { isObject, listAt, textAt, type Json } from "./json";
import type { Kube } from "./kube";

/** What belongs to one component of the program. */
export interface ComponentSummary {
    /** Class and name, as `ControlPlane istio`; indented below the component that it is a part of. */
    component: string;
    resources: number;
    /** Time during which at least one of its resources was being made. */
    milliseconds: number;
    outcomes: Partial<Record<Outcome, number>>;
}

/** A gateway and where it can be reached. */
export interface GatewayAddress {
    name: string;
    service: string;
    type: string;
    addresses: string[];
}

const outcomeOrder: Outcome[] = ["created", "changed", "deleted", "left out", "unchanged"];

/**
 * Groups a deployment's resources by component, in the order of their start. A component counts what its parts have as
 * well; the parts follow it.
 */
export function byComponent({ results, components }: Deployment): ComponentSummary[] {
    const known = new Map(components.map((component) => [component.urn, component]));
    const sorted = [...results].sort((a, b) => a.start - b.start);
    const owned = sorted.map((result) => ({ result, owners: ownersOf(result.parent, known) }));
    const free = owned.filter(({ owners }) => owners.length === 0).map(({ result }) => result);
    return [...parts(owned, 0), ...(free.length > 0 ? [summarize("(no component)", free)] : [])];
}

type Component = Deployment["components"][number];

/** A resource with the components that it is in, the outermost first. */
interface Owned {
    result: ResourceResult;
    owners: Component[];
}

function ownersOf(urn: string, known: ReadonlyMap<string, Component>): Component[] {
    const component = known.get(urn);
    return component === undefined || component.type === "pulumi:pulumi:Stack"
        ? []
        : [...ownersOf(component.parent, known), component];
}

/** A line for each component at one depth, each followed by the lines of its parts. */
function parts(owned: readonly Owned[], depth: number): ComponentSummary[] {
    const inside = new Map<string, Owned[]>();
    for (const item of owned) {
        const owner = item.owners[depth];
        if (owner !== undefined) {
            inside.set(owner.urn, [...(inside.get(owner.urn) ?? []), item]);
        }
    }
    return [...inside.values()].flatMap((items) => {
        const owner = items[0]?.owners[depth];
        const label = `${"  ".repeat(depth)}${owner?.type.split(":").pop() ?? ""} ${owner?.name ?? ""}`;
        return [
            summarize(
                label,
                items.map(({ result }) => result),
            ),
            ...parts(items, depth + 1),
        ];
    });
}

function summarize(component: string, results: readonly ResourceResult[]): ComponentSummary {
    return { component, resources: results.length, milliseconds: busyTime(results), outcomes: count(results) };
}

/** Length of the union of the spans: resources are made side by side. */
function busyTime(results: readonly ResourceResult[]): number {
    let total = 0;
    let reached = 0;
    for (const { start, end } of [...results].sort((a, b) => a.start - b.start)) {
        total += Math.max(0, end - Math.max(start, reached));
        reached = Math.max(reached, end);
    }
    return total;
}

/** How many resources ended in each way. */
export function count(results: readonly ResourceResult[]): Partial<Record<Outcome, number>> {
    const counts: Partial<Record<Outcome, number>> = {};
    for (const { outcome } of results) {
        counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
}

/** The counts in words; "0 changes" when there is nothing to tell. */
export function describeCounts(counts: Partial<Record<Outcome, number>>): string {
    const told = outcomeOrder.filter((outcome) => outcome !== "unchanged" && counts[outcome] !== undefined);
    return told.length === 0 ? "0 changes" : told.map((outcome) => `${counts[outcome]} ${outcome}`).join(", ");
}

/** The table by component, with a last line for all of it. */
export function componentTable(deployment: Deployment): string {
    const table = new Table({
        head: ["Component", "Resources", "Time", "Result"],
        colAligns: ["left", "right", "right", "left"],
        style: { head: [], border: [], compact: true },
    });
    const row = ({ component, resources, milliseconds, outcomes }: ComponentSummary) => [
        component,
        String(resources),
        formatDuration(milliseconds),
        describeCounts(outcomes),
    ];
    const all = {
        component: "All",
        resources: deployment.results.length,
        milliseconds: deployment.milliseconds,
        outcomes: count(deployment.results),
    };
    table.push(...byComponent(deployment).map(row), row(all));
    return table.toString();
}

/** The resources that were left out, each with the reason. */
export function leftOut({ results }: Deployment): string[] {
    return results.filter(({ outcome }) => outcome === "left out").map(({ name, note }) => `${name}: ${note ?? ""}`);
}

/** The stack's gateways as its outputs name them, with the addresses that the cluster gave them. */
export async function gatewayAddresses(kube: Pick<Kube, "read">, outputs: Json): Promise<GatewayAddress[]> {
    const gateways = isObject(outputs["gateways"]) ? Object.entries(outputs["gateways"]) : [];
    return Promise.all(
        gateways.map(async ([name, gateway]) => {
            const namespace = textAt(gateway, "namespace") ?? "default";
            const service = textAt(gateway, "service") ?? name;
            const live = await kube.read("v1", "Service", service, namespace);
            const type = textAt(live, "spec", "type") ?? "missing";
            return { name, service: `${namespace}/${service}`, type, addresses: addressesOf(live, type) };
        }),
    );
}

function addressesOf(live: unknown, type: string): string[] {
    if (type !== "LoadBalancer") {
        return listAt(live, "spec", "clusterIPs").filter((address) => typeof address === "string");
    }
    return listAt(live, "status", "loadBalancer", "ingress")
        .map((ingress) => textAt(ingress, "hostname") ?? textAt(ingress, "ip"))
        .filter((address) => address !== undefined);
}

/** The gateways and URLs of a stack, in lines. */
export function describeEntrances(gateways: readonly GatewayAddress[], outputs: Json): string[] {
    const width = Math.max(0, ...gateways.map(({ name }) => name.length));
    const urls = listAt(outputs, "urls").filter((url) => typeof url === "string");
    return [
        ...(gateways.length > 0 ? ["Gateways"] : []),
        ...gateways.map(({ name, service, type, addresses }) => {
            const where = addresses.length > 0 ? addresses.join(", ") : "no address yet";
            return `  ${name.padEnd(width)}  ${where}  (${type} ${service})`;
        }),
        ...(urls.length > 0 ? ["URLs", ...urls.map((url) => `  ${url}`)] : []),
    ];
}
