import type { Deployment } from "./deployment";
import { Kube } from "./kube";
import { componentTable, count, describeCounts, describeEntrances, gatewayAddresses, leftOut } from "./summary";

interface SandboxConclusion {
    stack: string;
    deployment: Deployment;
    sandbox: { kubeconfig: string };
    /** Why it was a rehearsal; undefined when the engine deployed. */
    rehearsedBecause: string | undefined;
}

/** What a person wants to know after a deployment onto a sandbox, in lines. */
export async function concludeSandbox(conclusion: SandboxConclusion): Promise<string[]> {
    const { stack, deployment, sandbox, rehearsedBecause } = conclusion;
    const kube = await Kube.connect(sandbox.kubeconfig);
    const gateways = await gatewayAddresses(kube, deployment.outputs).finally(() => kube.close());
    const missing = leftOut(deployment);
    return [
        "",
        componentTable(deployment),
        ...(missing.length > 0 ? ["Left out", ...missing.map((text) => `  ${text}`)] : []),
        ...describeEntrances(gateways, deployment.outputs),
        "  The sandbox simulates its pods, so nothing answers there; on a real cluster it does.",
        ...(rehearsedBecause === undefined ? [] : aboutRehearsal(rehearsedBecause)),
        ...nextSteps(stack),
        "",
        changesLine(deployment),
    ];
}

/** The last line of a deployment: how many resources there are, and what changed. */
export function changesLine({ results }: Deployment): string {
    return `${results.length} resources: ${describeCounts(count(results))}.`;
}

function aboutRehearsal(reason: string): string[] {
    return [
        "",
        `This was a rehearsal: ${reason}.`,
        "The cluster accepted all of it, in this order. A rehearsal keeps no state, shows no differences, deletes nothing",
        "and runs no policies: that is what the Pulumi CLI does.",
    ];
}

function nextSteps(stack: string): string[] {
    const flag = stack === "dev" ? "" : `--stack ${stack} `;
    const kinds = "gateways.networking.istio.io,virtualservices,certificates";
    return [
        "",
        "Next",
        `  Look around:     KUBECONFIG=.sandbox/${stack}/kubeconfig kubectl get ${kinds} -A`,
        `  A real cluster:  npm start -- ${flag}--context NAME   (names: kubectl config get-contexts)`,
        "  Stop:            npm stop",
    ];
}
