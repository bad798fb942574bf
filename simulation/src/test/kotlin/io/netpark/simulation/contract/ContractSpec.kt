package io.netpark.simulation.contract

import io.kotest.core.test.Enabled
import io.netpark.core.testing.NetparkSpec

/**
 * The base of the contract of [LibC][io.netpark.core.sys.LibC]: what the manual pages say of a call, checked over every kind of
 * kernel. So the model cannot differ from the kernel where a program can see it.
 */
abstract class ContractSpec(body: ContractSpec.() -> Unit) : NetparkSpec() {

    init {
        body()
    }

    /** A test of each kernel that has what it [needs]. */
    fun contract(name: String, vararg needs: Feature, body: Caller.() -> Unit) {
        for (kind in KernelKind.all) {
            val lacking = needs.firstNotNullOfOrNull { kind.lacks[it] }
            test("$kind: $name").config(enabledOrReasonIf = {
                if (lacking == null) Enabled.enabled else Enabled.disabled(lacking)
            }) {
                kind.boot().use { kernel -> Caller(kernel).use(body) }
            }
        }
    }

    /** A test of each of these families of sockets, on each kernel that has them. */
    fun contracts(families: List<Family>, name: String, body: Caller.(Family) -> Unit) {
        for (family in families) {
            contract("$family: $name", *family.needs.toTypedArray()) { body(family) }
        }
    }
}
