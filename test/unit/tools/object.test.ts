import assert from "node:assert/strict";
import { ApiError, type KubeObject } from "../../../tools/kube";
import type { RecordedResource } from "../../../tools/monitor";
import { applyObject, type ObjectStore } from "../../../tools/rehearsal/object";

const timing = { readyMs: 50, pollMs: 1, acceptedMs: 500 };

function resource(inputs: Record<string, unknown>, secretPaths: string[] = []): RecordedResource {
    return {
        urn: "urn",
        type: "kubernetes:core/v1:ConfigMap",
        name: "resource",
        parent: "",
        dependsOn: [],
        propertyDependencies: {},
        custom: true,
        protect: false,
        retainOnDelete: false,
        deleteBeforeReplace: false,
        ignoreChanges: [],
        provider: "",
        inputs,
        secretPaths,
    };
}

const object = (kind: string, apiVersion: string, more: Record<string, unknown> = {}) =>
    resource({ apiVersion, kind, metadata: { name: "one", namespace: "here" }, ...more });

const claimed = (time: string, version: string, more: object = {}) => ({
    metadata: {
        name: "one",
        resourceVersion: version,
        managedFields: [{ manager: "rehearsal", operation: "Apply", time }],
    },
    ...more,
});

/** A cluster that answers looks one after the other (the last answer stays), and applies as told. */
class FakeStore implements ObjectStore {
    readonly applied: KubeObject[] = [];

    constructor(
        private readonly looks: unknown[],
        private readonly onApply: (attempt: number) => unknown,
    ) {}

    read(): Promise<unknown> {
        return Promise.resolve(this.looks.length > 1 ? this.looks.shift() : this.looks[0]);
    }

    apply(wanted: KubeObject): Promise<unknown> {
        this.applied.push(wanted);
        return Promise.resolve().then(() => this.onApply(this.applied.length));
    }
}

describe("objects of the rehearsal", () => {
    it("tells created, changed and unchanged apart", async () => {
        const outcome = async (before: unknown, after: unknown) =>
            (await applyObject(new FakeStore([before], () => after), object("ConfigMap", "v1"), timing)).outcome;
        assert.equal(await outcome(undefined, claimed("t1", "1")), "created");
        assert.equal(
            await outcome(claimed("t1", "1", { data: { a: "1" } }), claimed("t2", "2", { data: { a: "2" } })),
            "changed",
        );
        assert.equal(await outcome(claimed("t1", "1"), claimed("t1", "1")), "unchanged");
    });

    it("is not deceived by controllers that write in between, nor by objects without fields of ours", async () => {
        const outcome = async (before: unknown, after: unknown) =>
            (await applyObject(new FakeStore([before], () => after), object("ConfigMap", "v1"), timing)).outcome;
        const scaled = (replicas: number) => claimed("t1", String(replicas), { spec: { replicas } });
        assert.equal(await outcome(scaled(1), scaled(2)), "unchanged");
        const bare = (version: string, managedFields?: unknown[]) => ({
            metadata: { name: "one", resourceVersion: version, managedFields },
        });
        assert.equal(await outcome(bare("1"), bare("2", [{ manager: "before-first-apply" }])), "unchanged");
    });

    it("waits until the object is ready, and returns it as it is then", async () => {
        const deployment = (available: number) => ({
            metadata: { generation: 1 },
            spec: { replicas: 2 },
            status: { observedGeneration: 1, updatedReplicas: 2, availableReplicas: available },
        });
        const store = new FakeStore([undefined, deployment(0), deployment(1), deployment(2)], () => deployment(0));
        const made = await applyObject(store, object("Deployment", "apps/v1"), timing);
        assert.deepEqual(made, { outcome: "created", live: deployment(2) });
    });

    it("says what is lacking when the time is up", async () => {
        const lacking = (kind: string, apiVersion: string, live: unknown) =>
            applyObject(new FakeStore([live], () => live), object(kind, apiVersion), timing);
        await assert.rejects(
            lacking("Service", "v1", { spec: { type: "LoadBalancer" } }),
            /^UserError: Service here\/one: it was not ready within 0 s: the load balancer has no address$/,
        );
        const conditions = [{ type: "Ready", status: "False", message: "issuer not found" }];
        await assert.rejects(
            lacking("Certificate", "cert-manager.io/v1", { status: { conditions } }),
            /: issuer not found$/,
        );
        await assert.rejects(
            lacking("Deployment", "apps/v1", { spec: { replicas: 3 } }),
            /0 of 3 replicas are available/,
        );
        await assert.rejects(lacking("DaemonSet", "apps/v1", { status: { desiredNumberScheduled: 2 } }), /0 of 2 pods/);
        await assert.rejects(lacking("PersistentVolumeClaim", "v1", { status: { phase: "Pending" } }), /not bound/);
    });

    it("does not wait where the object says so, nor for kinds that nobody reports on", async () => {
        const metadata = { name: "one", annotations: { "pulumi.com/skipAwait": "true" } };
        const live = { spec: { replicas: 3 } };
        const skipping = resource({ apiVersion: "apps/v1", kind: "Deployment", metadata });
        assert.equal((await applyObject(new FakeStore([undefined], () => live), skipping, timing)).outcome, "created");
        const route = object("VirtualService", "networking.istio.io/v1");
        assert.equal((await applyObject(new FakeStore([undefined], () => live), route, timing)).outcome, "created");
    });

    it("tries again while a definition is not served yet, but not when the object is wrong", async () => {
        const soon = new FakeStore([undefined], (attempt) => {
            if (attempt < 2) {
                throw new ApiError(404, "the cluster has no kind Gateway");
            }
            return {};
        });
        assert.equal((await applyObject(soon, object("Gateway", "networking.istio.io/v1"), timing)).outcome, "created");
        const wrong = new FakeStore([undefined], () => {
            throw new ApiError(400, 'unknown field "spec.hostz"');
        });
        await assert.rejects(applyObject(wrong, object("Gateway", "networking.istio.io/v1"), timing), {
            message: 'Gateway here/one: unknown field "spec.hostz"',
        });
        assert.equal(wrong.applied.length, 1);
    });

    it("never prints secrets, neither marked ones nor those of a Secret", async () => {
        const refusing = new FakeStore([undefined], () => {
            throw new ApiError(422, 'invalid value: "hunter22", also "cGFzcw==" and "plain-text"');
        });
        const inputs = { apiVersion: "v1", kind: "Secret", metadata: { name: "one" } };
        const data = {
            data: { a: "cGFzcw==" },
            stringData: { b: "plain-text" },
            more: { list: [{ key: "hunter22" }] },
        };
        await assert.rejects(applyObject(refusing, resource({ ...inputs, ...data }, ["more.list[0].key"]), timing), {
            message: 'Secret one: invalid value: "[secret]", also "[secret]" and "[secret]"',
        });
    });

    it("wants a fixed name", async () => {
        const nameless = resource({ apiVersion: "v1", kind: "ConfigMap", metadata: {} });
        await assert.rejects(applyObject(new FakeStore([], () => ({})), nameless, timing), /no fixed name/);
    });
});
