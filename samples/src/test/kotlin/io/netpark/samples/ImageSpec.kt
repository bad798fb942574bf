package io.netpark.samples

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import java.io.BufferedReader
import java.net.InetAddress
import java.net.Socket
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.TimeUnit
import kotlin.io.path.createDirectories
import kotlin.io.path.exists
import kotlin.io.path.isDirectory
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readLines
import kotlin.io.path.writeText

/**
 * Programs that run while their tree is built again, in a tree of its own. Its Maven is a script: it puts the classes of this build where
 * a build would, so that what is tested is everything around it.
 */
class ImageSpec : SampleSpec({
    val tree = Files.createTempDirectory("tree")
    afterSpec { tree.toFile().deleteRecursively() }

    val modules = listOf("core", "coroutines", "interop-java", "samples")
    for (module in modules) {
        tree.resolve(module).resolve("src/main").createDirectories()
        tree.resolve(module).resolve("pom.xml").writeText("")
    }
    tree.resolve("pom.xml").writeText("")
    for (name in listOf("run", "image.sh")) {
        Files.copy(Path.of(name), tree.resolve("samples").resolve(name), StandardCopyOption.COPY_ATTRIBUTES)
    }

    val builds = tree.resolve("builds")
    val entries = System.getProperty("java.class.path").split(':').map { Path.of(it) }
    val libraries = entries.filter { it.name.endsWith(".jar") && !it.startsWith(Path.of("..").toRealPath()) }
    val jdk = Runtime.version().feature()
    val bin = tree.resolve("bin").createDirectories()
    bin.resolve("mvn").apply {
        val real = Path.of("..").toRealPath()
        writeText(
            """
            #!/bin/bash
            echo built >>$builds
            cd $tree
            for module in ${modules.joinToString(" ")}; do
                rm -rf ${'$'}module/target
                mkdir -p ${'$'}module/target
                cp -r $real/${'$'}module/target/classes ${'$'}module/target/classes
            done
            mkdir -p samples/target/run
            printf %s ${modules.dropLast(1).joinToString(":") { "$tree/$it/target/classes" }}:${libraries.joinToString(":")} \
                >samples/target/run/classpath-jdk-$jdk
            """.trimIndent(),
        )
        Files.setPosixFilePermissions(this, PosixFilePermissions.fromString("rwxr-xr-x"))
    }

    /** A program of the tree that serves. */
    class Program : AutoCloseable {
        val process: Process = ProcessBuilder("${tree.resolve("samples/run")}", "echo", "--port", "0").apply {
            environment()["PATH"] = "$bin:${System.getenv("PATH")}"
            environment()["JAVA_HOME"] = System.getProperty("java.home")
        }.redirectErrorStream(true).start()
        val output: BufferedReader = process.inputStream.bufferedReader()
        val port: Int = generateSequence { output.readLine() }.first { "listening on" in it }.substringAfterLast(':').toInt()

        fun serves() = Socket(InetAddress.getLoopbackAddress(), port).use { client ->
            client.soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
            client.exchange("ping".encodeToByteArray()).decodeToString() shouldBe "ping"
        }

        override fun close() {
            try {
                process.toHandle().destroy() // leaves the streams open
                withClue(output.readText()) { process.waitFor() shouldBe 0 }
            } finally {
                process.destroyForcibly()
            }
        }
    }

    fun images(): List<Path> = tree.resolve("samples/.run").listDirectoryEntries("image-*").filter { it.isDirectory() }

    /** Newer than any image, by a clock that may be as coarse as a file system's. */
    fun changeSource() = tree.resolve("core/src/main").let { source ->
        val before = Files.getLastModifiedTime(source)
        soon { Files.createTempFile(source, "Source", ".java").also { check(Files.getLastModifiedTime(source) > before) } }
    }

    test("a program keeps its jars while its tree is built again; the image of one that has ended is removed").config(
        enabledOrReasonIf = { needs("flock", "--version") },
    ) {
        val first = Program()
        first.use {
            first.serves()
            Program().use { it.serves() }
            builds.readLines() shouldHaveSize 1 // nothing has changed
            images() shouldHaveSize 1

            changeSource()
            for (module in modules) tree.resolve(module).resolve("target").toFile().deleteRecursively()
            first.serves()
            Program().use { second ->
                builds.readLines() shouldHaveSize 2
                images() shouldHaveSize 2
                first.serves() // by a connection that has classes to load, perhaps
                second.serves()
            }
        }
        changeSource()
        Program().use { it.serves() }
        builds.readLines() shouldHaveSize 3
        images() shouldHaveSize 1
        tree.resolve("samples/.run/new").exists() shouldBe false
    }

    test("programs that are started together build once") {
        changeSource()
        val before = builds.readLines().size
        val programs = List(3) { java.util.concurrent.CompletableFuture.supplyAsync { Program() } }
        programs.forEach { it.get().use { program -> program.serves() } }
        builds.readLines().size shouldBe before + 1
    }
})
