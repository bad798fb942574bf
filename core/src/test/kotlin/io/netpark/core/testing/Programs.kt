package io.netpark.core.testing

import io.kotest.core.test.Enabled

/** Why a test that needs a program is skipped, if it is: `config(enabledOrReasonIf = { needs("openssl", "version") })`. */
fun needs(program: String, vararg probe: String): Enabled =
    Program.absence(program, *probe)?.let { Enabled.disabled(it) } ?: Enabled.enabled
