package io.netpark.samples

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldStartWith
import java.net.URI
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.COPY_ATTRIBUTES
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.TimeUnit
import kotlin.io.path.createDirectories
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.exists
import kotlin.io.path.writeText

/** What samples/run says of what is missing, and that it starts what this build has made. [ImageSpec] has what it builds. */
class RunScriptSpec : SampleSpec({
    val folder: Path = Files.createTempDirectory("run")
    afterSpec { folder.toFile().deleteRecursively() }

    /** A folder of programs to be the PATH: those that the script needs, without java and mvn. */
    val path = folder.resolve("bin").createDirectories()
    for (name in listOf(
        "bash", "env", "dirname", "readlink", "uname", "sed", "cat", "find", "mkdir", "flock", "basename", "date", "cp", "mv", "rm", "touch", "stat",
    )) {
        val program = listOf("/bin", "/usr/bin").map { Path.of(it, name) }.firstOrNull { it.exists() } ?: continue
        path.resolve(name).createSymbolicLinkPointingTo(program)
    }

    /** A copy in a tree that has never been built. */
    val script = folder.resolve("samples").createDirectories().resolve("run")
    Files.copy(Path.of("run"), script, COPY_ATTRIBUTES)
    Files.copy(Path.of("image.sh"), script.resolveSibling("image.sh"))
    Files.copy(Path.of("..", "pom.xml"), folder.resolve("pom.xml"))

    fun fake(name: String, content: String): Path = folder.resolve("$name-fake").createDirectories().also {
        it.resolve(name).writeText("#!/bin/sh\n$content\n")
        Files.setPosixFilePermissions(it.resolve(name), PosixFilePermissions.fromString("rwxr-xr-x"))
    }

    fun run(vararg arguments: String, javaHome: String? = null, first: Path? = null): Pair<Int, List<String>> {
        val process = ProcessBuilder(listOf("$script") + arguments)
        process.environment().apply {
            put("PATH", listOfNotNull(first, path).joinToString(":"))
            if (javaHome == null) remove("JAVA_HOME") else put("JAVA_HOME", javaHome)
        }
        val running = process.redirectErrorStream(true).start()
        val lines = running.inputStream.bufferedReader().readLines()
        return running.waitFor() to lines
    }

    /** As [run], with what comes to standard error apart: status, output, errors. */
    fun runApart(vararg arguments: String): Triple<Int, List<String>, List<String>> {
        val errors = folder.resolve("errors").toFile()
        val process = ProcessBuilder(listOf("$script") + arguments).redirectError(errors)
        process.environment()["PATH"] = "$path"
        val running = process.start()
        val lines = running.inputStream.bufferedReader().readLines()
        return Triple(running.waitFor(), lines, errors.readLines())
    }

    fun namesIn(lines: List<String>) {
        lines.map { it.trim().substringBefore(' ') } shouldBe
            listOf("Usage:", "demo", "echo", "load", "connect", "http", "ktor", "chat", "redis", "proxy", "tail", "doctor")
    }

    test("asked for help: the names, status 0") {
        for (argument in listOf("--help", "-h")) {
            val (status, lines, errors) = runApart(argument)
            namesIn(lines)
            errors.shouldBeEmpty()
            status shouldBe 0
        }
    }

    test("asked for the version, it has it without a build") {
        val (status, lines, errors) = runApart("--version")
        lines.shouldBeSingleton { it shouldMatch Regex("""Netpark \d+\.\d+\.\d+\S*""") }
        errors.shouldBeEmpty()
        status shouldBe 0
    }

    test("without a name, or with one it does not know: the names as an error, status 2") {
        for (arguments in listOf(arrayOf(), arrayOf("nothing"))) {
            val (status, lines, errors) = runApart(*arguments)
            namesIn(errors)
            lines.shouldBeEmpty()
            status shouldBe 2
        }
    }

    fun oneLine(expected: String, result: Pair<Int, List<String>>) {
        result.second.shouldBeSingleton { it shouldContain expected }
        result.first shouldBe 1
    }

    test("not Linux") { oneLine("Linux only, this is Darwin", run("demo", first = fake("uname", "echo Darwin"))) }
    test("no java") { oneLine("install JDK 17", run("demo")) }
    test("JAVA_HOME is wrong") { oneLine("no /nowhere/bin/java", run("demo", javaHome = "/nowhere")) }
    test("a JDK is known by its file, without being started") {
        val home = folder.resolve("jdk").createDirectories()
        fake("java", "exit 1").resolve("java").let { java ->
            for (name in listOf("java", "javac")) Files.copy(java, home.resolve("bin").createDirectories().resolve(name), COPY_ATTRIBUTES)
        }
        home.resolve("release").writeText("IMPLEMENTOR=\"Nobody\"\nJAVA_RUNTIME_VERSION=\"21.0.1+12\"\nJAVA_VERSION=\"21.0.1\"\n")
        oneLine("no mvn", run("demo", javaHome = "$home"))
        home.resolve("release").writeText("JAVA_VERSION=\"1.8.0_462\"\n")
        oneLine("is version 1.8", run("demo", javaHome = "$home"))
        home.resolve("release").writeText("JAVA_VERSION=\"11.0.2\"\n")
        oneLine("is version 11", run("demo", javaHome = "$home"))
        home.resolve("release").writeText("nothing\n")
        oneLine("does not work", run("demo", javaHome = "$home"))
    }
    test("an old java") {
        oneLine("is version 1.8", run("demo", first = fake("java", "echo '    java.specification.version = 1.8' >&2")))
    }
    test("a java without a compiler") {
        val runtime = "echo '    java.specification.version = 17'; echo '    java.home = /nowhere'"
        oneLine("/nowhere is only a runtime", run("demo", first = fake("java", runtime)))
    }
    test("no Maven") { oneLine("no mvn", run("demo", javaHome = System.getProperty("java.home"))) }

    /** The script of this tree. Without a Maven on its path: if it wanted to build, it would fail. */
    fun start(vararg arguments: String): Process = ProcessBuilder(listOf("${Path.of("run").toAbsolutePath()}") + arguments).apply {
        environment()["PATH"] = "$path"
        environment()["JAVA_HOME"] = System.getProperty("java.home")
        environment()["NETPARK_NO_ARCHIVE"] = "yes" // FastStartSpec has them
    }.redirectErrorStream(true).start()

    for (name in listOf("demo", "echo", "load", "connect", "http", "ktor", "chat", "redis", "proxy", "tail", "doctor")) {
        test("$name is started by its name, and tells its options") {
            val running = start(name, "--help")
            val lines = running.inputStream.bufferedReader().readLines()
            withClue(lines.joinToString("\n")) {
                running.waitFor() shouldBe 0
                lines.first() shouldStartWith "Usage: samples/run $name"
            }
        }
    }

    test("a server is the script's own process: it serves, and ends by the signal that the script gets") {
        val running = start("http", "--port", "0")
        try {
            val lines = running.inputStream.bufferedReader()
            val port = lines.readLine().substringAfterLast(':').toInt()
            URI("http://127.0.0.1:$port/plaintext").toURL().readText() shouldBe "Hello, World!"
            running.destroy() // SIGTERM
            running.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) shouldBe true
            running.exitValue() shouldBe 0
        } finally {
            running.destroyForcibly()
        }
    }
})
