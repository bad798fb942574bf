package io.netpark.samples.consumer

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import io.netpark.samples.architecture.root
import kotlin.io.path.readText

/** `netpark-bom`: what it manages, and that it cannot fall behind. */
class BomSpec : SampleSpec({
    val parent = Pom.of(".")
    val bom = Pom.of("bom")
    val published = (parent.modules - "bom").map { Pom.of(it) }.filter { it.published }

    test("it manages every artifact that is published, in its own version") {
        published.shouldNotBeEmpty()
        bom.managed shouldContainExactlyInAnyOrder published.map { Triple(it.artifact, "\${project.version}", null) }
    }

    test("its version is that of the others, and it brings nothing that a parent manages") {
        bom.version shouldBe parent.version
        bom.parent shouldBe null
    }

    test("the README depends on what the BOM has") {
        val readme = root.resolve("README.md").readText().substringAfter("## Depending on it").substringBefore("\n## ")
        val named = Regex("<artifactId>(netpark-[a-z-]+)</artifactId>|io\\.netpark:(netpark-[a-z-]+)").findAll(readme)
            .map { it.groupValues[1] + it.groupValues[2] }.toSet()
        named.shouldNotBeEmpty()
        (named - bom.managed.map { it.first }.toSet()) shouldBe setOf(bom.artifact)
    }

    test("what is published says what it is, by whom, and under which terms") {
        val ofAll = listOf("url", "licenses", "developers", "scm")
        for (pom in listOf(parent, bom)) withClue(pom.artifact) { pom.parts shouldContainAll listOf("name", "description") + ofAll }
        for (pom in published) withClue(pom.artifact) {
            pom.parts shouldContainAll listOf("name", "description")
            pom.parent shouldBe parent.artifact // which has the rest; what a child says of that replaces it
            pom.parts.filter { it in ofAll }.shouldBeEmpty()
        }
    }
})
