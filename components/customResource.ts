import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** `T` with an Input allowed at every leaf, so that a spec can carry outputs of other resources. */
export type Inputs<T> = T extends string | number | boolean | null | undefined
    ? pulumi.Input<T>
    : T extends readonly (infer Item)[]
      ? Inputs<Item>[]
      : { [Key in keyof T]: Inputs<T[Key]> };

/** What every published model of a custom resource has. */
interface Model {
    readonly apiVersion: string;
    readonly kind: string;
    readonly spec?: object;
}

/** A custom resource whose spec is checked by the compiler against the published model `T`. */
export interface TypedObject<T extends Model> {
    apiVersion: T["apiVersion"];
    kind: T["kind"];
    metadata: k8s.types.input.meta.v1.ObjectMeta;
    spec: Inputs<NonNullable<T["spec"]>>;
}

/** Makes a custom resource typed by its published model: a misspelt field is a compile error. */
export function customResource<T extends Model>(
    name: string,
    object: TypedObject<T>,
    opts: pulumi.CustomResourceOptions,
): k8s.apiextensions.CustomResource {
    return new k8s.apiextensions.CustomResource(name, { ...object }, opts);
}

/**
 * `value` as an output that is known at preview and yet available only after `resources` exist, so that whoever uses
 * it is created after them and deleted before them.
 */
export function after(value: string, ...resources: pulumi.CustomResource[]): pulumi.Output<string> {
    return pulumi.all(resources.map((resource) => resource.urn)).apply(() => value);
}
