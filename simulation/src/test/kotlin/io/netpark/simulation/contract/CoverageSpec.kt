package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.netpark.core.sys.LibC
import io.netpark.core.testing.NetparkSpec
import java.nio.file.Path
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText

/** Calls that take no descriptor, or take one that need not be there. */
private val WITHOUT_DESCRIPTOR = setOf(
    "pipe2", "eventfd", "timerfdCreate", "socket", "socketpair", "open", "statx", "unlink", "inotifyInit", "epollCreate", "poll",
    "schedSetaffinity",
)

/** Calls that are made with a wrong descriptor where the rest of their contract is. */
private val ELSEWHERE = setOf("close", "epollPwait2", "inotifyAddWatch")

/** A call that [LibC] gets some day is to have a contract, or the model could do there what it likes. */
class CoverageSpec : NetparkSpec(body = {
    val calls = LibC::class.java.methods.map { it.name }.filter { it != "binding" }

    test("every call is made by a contract, and not only with what is wrong") {
        val sources = Path.of("src/test/kotlin/io/netpark/simulation/contract").listDirectoryEntries("*.kt")
            .filter { it.name !in listOf("CoverageSpec.kt", "MisuseSpec.kt") }.joinToString("\n") { it.readText() }
        calls.filterNot { Regex("""\blibc\.$it\(""").containsMatchIn(sources) }.shouldBeEmpty()
    }

    test("every call about a descriptor is made with a wrong one") {
        val misuse = Path.of("src/test/kotlin/io/netpark/simulation/contract/MisuseSpec.kt").readText()
        val misused = Regex("""Call\("(\w+)"\)""").findAll(misuse).map { it.groupValues[1] }.toList()
        misused shouldContainExactlyInAnyOrder calls - WITHOUT_DESCRIPTOR - ELSEWHERE
    }
})
