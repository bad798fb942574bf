package io.netpark.simulation.schedule

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.needs
import io.netpark.core.testing.runToEnd
import java.nio.file.Path
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readLines

/** The mistakes that `simulation/hunt mutations` puts into core. */
class MutationsSpec : NetparkSpec(body = {
    val root = Path.of("..").toRealPath()
    val patches = root.resolve("simulation/mutations").listDirectoryEntries("*.patch").sortedBy { it.name }

    // As where there is no repository: a variable of a hook, or a repository around this tree, would have git look elsewhere.
    val check = listOf("env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES=${root.parent}") +
        listOf("git", "-C", "$root", "apply", "--check", "--whitespace=nowarn")

    test("each fits the tree as it is").config(enabledOrReasonIf = { needs("git", "--version") }) {
        patches.shouldNotBeEmpty()
        for (patch in patches) {
            val (said, status) = (check + "$patch").runToEnd()
            withClue("${patch.name} is to be made anew: $said") { status shouldBe 0 }
        }
    }

    test("each has a number of its own, and a row on the page") {
        val row = Regex("""\| (\d+): .* \|""")
        val rows = root.resolve("docs/simulation.md").readLines().mapNotNull { row.matchEntire(it)?.groupValues?.get(1)?.toInt() }
        rows shouldBe patches.map { it.name.substringBefore('-').toInt() }
        rows shouldBe List(rows.size) { it + 1 }
    }
})
