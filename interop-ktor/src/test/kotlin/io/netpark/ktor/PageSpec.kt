package io.netpark.ktor

import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import kotlin.io.path.Path
import kotlin.io.path.readText

class PageSpec : NetparkSpec(body = {
    val page = Path("../docs/ktor.md").readText()

    test("the Kotlin of docs/ktor.md and of the README is compiled here") {
        val compiled = listOf("PageExamples.kt", "readme/Hello.kt").joinToString("\n") { Path("src/test/kotlin/io/netpark/ktor/$it").readText() }
        val blocks = listOf(page, Path("README.md").readText())
            .flatMap { text -> text.split("```kotlin\n").drop(1).map { it.substringBefore("```") } }
        blocks.size shouldBeGreaterThanOrEqual 8
        for (block in blocks) withClue(block) { (block in compiled) shouldBe true }
    }

    test("the table of settings has every setting of the engine's own, and no other") {
        val settings = NetparkApplicationEngine.Configuration::class.java.declaredMethods.map { it.name }
            .filter { Regex("set[A-Z].*") matches it }.map { it.substringBefore('-').removePrefix("set").replaceFirstChar(Char::lowercase) }
        val table = page.substringAfter("| Setting |").substringBefore("\n\n").lines().filter { it.startsWith("| `") }
        val named = table.flatMap { line -> Regex("`(\\w+)`").findAll(line.split('|')[1]).map { it.groupValues[1] }.toList() }
        named.toSet() - setOf("connectors", "shutdownGracePeriod", "shutdownTimeout") shouldBe settings.toSet()
    }
})
