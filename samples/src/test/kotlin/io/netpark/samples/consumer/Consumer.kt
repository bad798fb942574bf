package io.netpark.samples.consumer

import io.netpark.callback.CallbackServer
import io.netpark.core.sys.LibC
import io.netpark.coroutines.Reactor
import io.netpark.ktor.Netpark
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.simulation.kernel.SimulatedKernel
import java.io.File
import java.io.PrintWriter
import java.io.StringWriter
import java.net.URI
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import java.util.spi.ToolProvider
import javax.tools.JavaFileObject
import javax.tools.SimpleJavaFileObject
import javax.tools.ToolProvider.getSystemJavaCompiler
import kotlin.io.path.readText

/** What a consumer of Netpark has on its class path or module path: folders of this build, or jars. */
enum class Artifact(private val type: String) {
    CORE(LibC::class.java.name),
    CALLBACK(CallbackServer::class.java.name),
    COROUTINES(Reactor::class.java.name),
    KTOR_SERVER(Netpark::class.java.name),
    SIMULATION(SimulatedKernel::class.java.name),
    JCTOOLS("org.jctools.queues.MessagePassingQueue"),
    JNA("com.sun.jna.Native"),
    KOTLIN("kotlin.Unit"),
    KOTLINX_COROUTINES("kotlinx.coroutines.Job");

    val path: Path
        get() = Path.of(Class.forName(type, false, Artifact::class.java.classLoader).protectionDomain.codeSource.location.toURI())
}

/** As -p and -cp have it. */
fun List<Artifact>.joined(): String = joinToString(File.pathSeparator) { it.path.toString() }

/** Java source text. */
class Source(name: String, private val text: String) :
    SimpleJavaFileObject(URI.create("string:///$name"), JavaFileObject.Kind.SOURCE) {
    override fun getCharContent(ignoreEncodingErrors: Boolean): CharSequence = text

    companion object {
        /** A file of this folder of the test resources. */
        fun resource(name: String) = Source(name, checkNotNull(Source::class.java.getResource(name)) { name }.readText())
    }
}

/** Compiles into [target] as javac does from a command line, and returns what it says. */
fun javac(target: Path, vararg options: String, sources: List<Source>): String {
    val said = StringWriter()
    val all = listOf("-d", target.toString(), "-proc:none") + options
    getSystemJavaCompiler().getTask(said, null, null, all, null, sources).call()
    return said.toString()
}

/** What a program in a JVM of its own has said. */
class Said(val status: Int, val output: List<String>, val errors: String)

/** Makes a runtime image, and returns what the tool says. */
fun jlink(vararg options: String): String {
    val said = StringWriter()
    PrintWriter(said).use { ToolProvider.findFirst("jlink").orElseThrow().run(it, it, *options) }
    return said.toString()
}

/** Runs `java` of [home] with [options]. */
fun java(options: List<String>, home: Path = Path.of(System.getProperty("java.home"))): Said {
    val output = Files.createTempFile("consumer", ".out")
    val errors = Files.createTempFile("consumer", ".err")
    val process = ProcessBuilder(
        listOf(home.resolve("bin/java").toString(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC") +
            options,
    ).redirectOutput(output.toFile()).redirectError(errors.toFile()).start()
    try {
        check(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "still running: ${errors.readText()}" }
        return Said(process.exitValue(), output.readText().lines().filter(String::isNotEmpty), errors.readText())
    } finally {
        process.destroyForcibly()
        Files.delete(output)
        Files.delete(errors)
    }
}
