package io.netpark.samples.consumer

import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldBeEmpty
import io.netpark.samples.SampleSpec
import io.netpark.samples.architecture.root
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.extension
import kotlin.io.path.isDirectory
import kotlin.io.path.isRegularFile
import kotlin.io.path.readBytes
import kotlin.io.path.relativeTo

private const val JAVA_17 = 61
private const val JAVA_22 = 66

/** The sources that only JDK 22 and newer compile. */
private val javaOf22 = root.resolve("core/src/main/java22")

/** What is in the jar of core: by the path inside of it, what the file has. */
private fun contents(): Map<String, ByteArray> {
    val path = Artifact.CORE.path
    if (path.isDirectory()) return contents(path)
    return FileSystems.newFileSystem(path).use { contents(it.getPath("/")) }
}

private fun contents(top: Path): Map<String, ByteArray> = Files.walk(top).use { files ->
    files.filter { it.isRegularFile() }.toList().associate { it.relativeTo(top).toString() to it.readBytes() }
}

/** The top-level class, without ending, of a class file's path. */
private fun String.topLevel() = removeSuffix(".class").substringBefore('$')

private fun ByteArray.version() = (this[6].toInt() and 0xff shl 8) + (this[7].toInt() and 0xff)

/** The artifact that all others bring. */
class CoreJarSpec : SampleSpec({
    val newer = Files.walk(javaOf22).use { files ->
        files.filter { it.extension == "java" }.toList().map { it.relativeTo(javaOf22).toString().removeSuffix(".java") }
    }.toSet()
    val contents = contents()
    val classes = contents.filterKeys { it.endsWith(".class") }

    test("the foreign-function classes are in it, if it was built on JDK 22 or newer") {
        newer.shouldNotBeEmpty()
        val built = if (Runtime.version().feature() >= 22) newer else emptySet() // tests run on the JDK that has compiled
        classes.filterValues { it.version() == JAVA_22 }.keys.map { it.topLevel() }.toSet() shouldBe built
    }

    test("everything else in it is for JDK 17") {
        classes.filterKeys { it.topLevel() !in newer }.values.map { it.version() }.toSet() shouldBe setOf(JAVA_17)
    }

    test("a program runs on it without the foreign-function classes, by JNA") {
        val without = tempdir().toPath()
        for ((name, bytes) in contents) {
            if (name.topLevel() in newer) continue
            val target = without.resolve(name)
            target.parent.createDirectories()
            Files.write(target, bytes)
        }
        val folder = tempdir().toPath()
        val others = listOf(Artifact.CALLBACK, Artifact.JCTOOLS, Artifact.JNA).joined()
        val classPath = "$without:$others"
        javac(folder, "--release", "17", "-cp", classPath, sources = listOf(Source.resource("Greeting.java"))).shouldBeEmpty()
        val access = listOfNotNull("--enable-native-access=ALL-UNNAMED".takeIf { Runtime.version().feature() >= 22 })
        val said = java(access + listOf("-cp", "$folder:$classPath", "greeting.Greeting"))
        withClue(said.errors) { said.output.take(2) shouldBe listOf("hello world", "JnaLibC") }
        said.status shouldBe 0
    }
})
