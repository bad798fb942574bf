package io.netpark.coroutines

import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import java.nio.file.Path
import kotlin.io.path.Path
import kotlin.io.path.extension
import kotlin.io.path.readLines
import kotlin.io.path.walk

class DocumentationSpec : NetparkSpec(body = {
    /** What is between the fences of a KDoc, without its indentation; but what is fenced as text is a drawing. */
    fun examples(source: Path): List<String> {
        val all = mutableListOf<String>()
        var fence: String? = null
        val inside = mutableListOf<String>()
        for (line in source.readLines().map { it.trim() }.filter { it.startsWith("*") }.map { it.removePrefix("*").trim() }) {
            if (!line.startsWith("```")) {
                inside += line
            } else if (fence == null) {
                fence = line
                inside.clear()
            } else {
                if (fence != "```text") all += inside.joinToString("\n")
                fence = null
            }
        }
        return all
    }

    test("the examples of the KDoc are those that are compiled here") {
        val compiled = Path("src/test/kotlin/io/netpark/coroutines/DocumentationExamples.kt").readLines()
            .joinToString("\n") { it.trim() }
        val sources = Path("src/main/kotlin").walk().filter { it.extension == "kt" }.associateWith { examples(it) }
        sources.values.sumOf { it.size } shouldBeGreaterThanOrEqual 6
        for ((source, examples) in sources) {
            for (example in examples) {
                withClue("put this of $source into DocumentationExamples.kt:\n$example") { (example in compiled) shouldBe true }
            }
        }
    }
})
