package io.netpark.coroutines.simulation

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import java.nio.file.Path
import kotlin.io.path.readText

class SimulationPageSpec : NetparkSpec(body = {

    test("the Kotlin examples of the page are those that are compiled and run here") {
        val blocks = Path.of("../docs/simulation.md").readText().split("```kotlin\n").drop(1).map { it.substringBefore("```") }
        val source = Path.of("src/test/kotlin/io/netpark/coroutines/simulation/SimulationExamples.kt").readText()
        blocks.size shouldBe 3
        blocks.forEach { source shouldContain it }
    }

    test("a client retries until the server can be reached") { clientRetries() }

    test("a silent peer is given up") { silentPeerIsGivenUp() }

    test("a server drains") { serverDrains() }
})
