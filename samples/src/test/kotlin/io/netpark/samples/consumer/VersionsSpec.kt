package io.netpark.samples.consumer

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.samples.SampleSpec
import io.netpark.samples.architecture.root
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readText

/** An artifact of Netpark's with its version, as Maven and as Gradle have it. */
private val dependency =
    Regex("<artifactId>netpark-[a-z-]+</artifactId>\\s*<version>([^<]*)</version>|io\\.netpark:netpark-[a-z-]+:([^\"`\\s)]+)")

private fun String.versions(): List<String> = dependency.findAll(this).map { it.groupValues[1] + it.groupValues[2] }.toList()

/** The projects outside of this tree. */
private val consumers = listOf("shaded", "oldest").map { Pom.of(".ci/consumers/$it") }

/** Numbers that are written in more than one place. Whoever changes one is told of the others; `.ci/version` changes all that are Netpark's. */
class VersionsSpec : SampleSpec({
    val parent = Pom.of(".")
    val version = parent.version

    test("the version of Netpark is the same in all of its poms, and in those of the consumers") {
        for (module in parent.modules - "bom") withClue(module) { Pom.of(module).parentVersion shouldBe version }
        Pom.of("bom").version shouldBe version
        for (consumer in consumers) withClue(consumer.artifact) {
            consumer.managed.single { it.first == "netpark-bom" }.second shouldBe version
        }
    }

    test("the pages depend on that version") {
        for (page in listOf("README.md", "interop-ktor/README.md")) withClue(page) {
            root.resolve(page).readText().versions().shouldNotBeEmpty()
        }
        val folders = listOf(".", "docs") + parent.modules
        for (page in folders.flatMap { root.resolve(it).listDirectoryEntries("*.md") }) {
            for (written in page.readText().versions()) withClue(page) { written shouldBe version }
        }
    }

    test("the newest section of the changelog is of that version") {
        val heading = root.resolve("CHANGELOG.md").readText().lines().first { it.startsWith("## ") }
        heading shouldStartWith "## ${version.removeSuffix("-SNAPSHOT")}, "
    }

    test("the README promises the Kotlin and the coroutines with which Netpark is compiled and consumed") {
        val kotlin = parent.property("kotlin.language").shouldNotBeNull()
        val oldest = parent.property("coroutines.oldest").shouldNotBeNull()
        val newest = parent.property("coroutines.newest").shouldNotBeNull()
        root.resolve("README.md").readText() shouldContain
            "Kotlin $kotlin or newer, and kotlinx.coroutines $oldest or newer, for `netpark-coroutines`; tested up to $newest."
        val consumer = consumers.single { it.artifact == "greeting-oldest" }
        consumer.property("kotlin.oldest") shouldBe "$kotlin.0"
        consumer.managed.single { it.first == "kotlinx-coroutines-core-jvm" }.second shouldBe oldest
    }

    test("the README of the engine depends on the Ktor that it is compiled with") {
        val ktor = parent.property("ktor.version").shouldNotBeNull()
        val readme = root.resolve("interop-ktor/README.md").readText()
        readme shouldContain "<artifactId>ktor-server-core-jvm</artifactId>\n  <version>$ktor</version>"
        readme shouldContain "io.ktor:ktor-server-core-jvm:$ktor"
        readme shouldContain "Ktor ${ktor.substringBeforeLast('.')}"
    }
})
