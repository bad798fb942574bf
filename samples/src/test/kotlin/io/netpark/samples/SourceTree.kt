package io.netpark.samples

import io.kotest.assertions.withClue
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
import kotlin.io.path.isDirectory
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readLines
import kotlin.io.path.writeText

/**
 * A tree of its own that samples/run builds. Its Maven is a script: it puts the classes of this build where a build would, so that what is
 * tested is everything around it.
 *
 * @param archives whether programs are prepared for fast starts
 */
internal class SourceTree(private val archives: Boolean) : AutoCloseable {

    private val home: Path = Files.createTempDirectory("tree")
    private val modules = listOf("core", "coroutines", "interop-java", "interop-ktor", "samples")
    private val log = home.resolve("builds")
    private val bin = home.resolve("bin").createDirectories()

    init {
        for (module in modules) {
            home.resolve(module).resolve("src/main").createDirectories()
            home.resolve(module).resolve("pom.xml").writeText("")
        }
        home.resolve("pom.xml").writeText("")
        for (name in listOf("run", "image.sh")) {
            Files.copy(Path.of(name), home.resolve("samples").resolve(name), StandardCopyOption.COPY_ATTRIBUTES)
        }
        val real = Path.of("..").toRealPath()
        val entries = System.getProperty("java.class.path").split(':').map { Path.of(it) }
        val libraries = entries.filter { it.name.endsWith(".jar") && !it.startsWith(real) }
        bin.resolve("mvn").apply {
            writeText(
                """
                #!/bin/bash
                echo built >>$log
                cd $home
                for module in ${modules.joinToString(" ")}; do
                    rm -rf ${'$'}module/target
                    mkdir -p ${'$'}module/target
                    cp -r $real/${'$'}module/target/classes ${'$'}module/target/classes
                done
                mkdir -p samples/target/run
                printf %s ${modules.dropLast(1).joinToString(":") { "$home/$it/target/classes" }}:${libraries.joinToString(":")} \
                    >samples/target/run/classpath-jdk-${Runtime.version().feature()}
                """.trimIndent(),
            )
            Files.setPosixFilePermissions(this, PosixFilePermissions.fromString("rwxr-xr-x"))
        }
    }

    /** How often it has been built. */
    val builds: Int get() = log.readLines().size

    /** The images that are there. */
    fun images(): List<Path> = home.resolve("samples/.run").listDirectoryEntries("image-*").filter { it.isDirectory() }

    fun resolve(path: String): Path = home.resolve(path)

    /** Newer than any image, by a clock that may be as coarse as a file system's. */
    fun changeSource(): Unit = home.resolve("core/src/main").let { source ->
        val before = Files.getLastModifiedTime(source)
        soon { Files.createTempFile(source, "Source", ".java").also { check(Files.getLastModifiedTime(source) > before) } }
    }

    /** Removes what has been built, as mvn clean does. */
    fun clean() {
        for (module in modules) home.resolve(module).resolve("target").toFile().deleteRecursively()
    }

    /** Starts an echo server of it, and waits until it listens. */
    fun start(): Program = Program(
        ProcessBuilder("${home.resolve("samples/run")}", "echo", "--port", "0").apply {
            environment()["PATH"] = "$bin:${System.getenv("PATH")}"
            environment()["JAVA_HOME"] = System.getProperty("java.home")
            if (archives) environment().remove("NETPARK_NO_ARCHIVE") else environment()["NETPARK_NO_ARCHIVE"] = "yes"
        }.redirectErrorStream(true).start(),
    )

    override fun close() {
        home.toFile().deleteRecursively()
    }

    /** A program of the tree that serves. */
    class Program(val process: Process) : AutoCloseable {

        private val output: BufferedReader = process.inputStream.bufferedReader()

        /** What it has said before it listened. */
        val said = mutableListOf<String>()

        private val port = generateSequence { output.readLine() }.onEach { said += it }
            .firstOrNull { "listening on" in it }?.substringAfterLast(':')?.toInt() ?: error("has ended: $said")

        fun serves(): Unit = Socket(InetAddress.getLoopbackAddress(), port).use { client ->
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
}
