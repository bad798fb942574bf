package io.netpark.samples.consumer

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import io.netpark.samples.architecture.root
import java.nio.file.FileSystems
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.isDirectory
import kotlin.io.path.readText

private val published = listOf(Artifact.CORE, Artifact.SIMULATION, Artifact.COROUTINES, Artifact.CALLBACK, Artifact.KTOR_SERVER)

/** A file inside of an artifact, which is a folder or a jar. */
private fun Artifact.file(name: String): String? =
    if (path.isDirectory()) path.resolve(name).text() else FileSystems.newFileSystem(path).use { it.getPath(name).text() }

private fun Path.text(): String? = if (exists()) readText() else null

/** Under which terms what is published may be used: that goes with each jar, wherever it gets to. */
class TermsSpec : SampleSpec({
    test("this looks at everything that the BOM has") {
        published shouldHaveSize Pom.of("bom").managed.size
    }

    for (artifact in published) for (name in listOf("LICENSE", "NOTICE")) {
        test("$artifact has the project's $name") {
            withClue(artifact.path) { artifact.file("META-INF/$name") shouldBe root.resolve(name).readText() }
        }
    }
})
