package io.netpark.samples.consumer

import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.SampleSpec
import java.io.File
import java.nio.file.Files
import java.nio.file.Path

private const val SERVICE = "KtorService"

/**
 * What a Ktor project has on its class path, with what that brings: netpark-ktor-server and Ktor. Nothing of the samples or tests.
 */
private val OF_A_PROJECT = Regex(
    "(netpark-(core|coroutines|ktor-server)" +
        "|ktor-(server-(core|cio)|http|http-cio|io|utils|events|serialization|websockets|network)-jvm" +
        "|kotlin-(stdlib|reflect)|kotlinx-(coroutines-core|io-core|io-bytestring)-jvm" +
        "|jctools-core|jna|slf4j-api|config|annotations)-\\d.*\\.jar",
)
private val OF_THIS_BUILD = setOf("core", "coroutines", "interop-ktor")

/** A Ktor project outside of this tree: its classes, and the jars that its build would have. */
class KtorProjectSpec : SampleSpec({
    val classPath = System.getProperty("java.class.path").split(File.pathSeparator).map(Path::of).filter { entry ->
        OF_A_PROJECT.matches("${entry.fileName}") ||
            "${entry.fileName}" == "classes" && "${entry.parent.parent.fileName}" in OF_THIS_BUILD
    }

    /** The classes of the service, which the class path of these tests has compiled. */
    fun project(): Path {
        val folder = tempdir().toPath()
        val here = Path.of(KtorServiceOnNetpark::class.java.protectionDomain.codeSource.location.toURI())
        val pack = KtorServiceOnNetpark::class.java.packageName.replace('.', '/')
        val target = Files.createDirectories(folder.resolve(pack))
        Files.list(here.resolve(pack)).use { classes ->
            classes.filter { "${it.fileName}".startsWith(SERVICE) }.forEach { Files.copy(it, target.resolve(it.fileName)) }
        }
        return folder
    }

    for ((main, engine) in listOf(
        KtorServiceOnCio::class.java.name to "CIOApplicationEngine",
        KtorServiceOnNetpark::class.java.name to "NetparkApplicationEngine",
    )) {
        test("the service runs on $engine") {
            val access = listOfNotNull("--enable-native-access=ALL-UNNAMED".takeIf { Runtime.version().feature() >= 22 })
            val said = java(access + listOf("-cp", "${project()}:${classPath.joinToString(File.pathSeparator)}", main))
            withClue(said.errors) { said.output shouldBe listOf("Hello, World!", "echoed", engine) }
            said.status shouldBe 0
        }
    }

    test("the two differ by the name of the engine") {
        val source = Files.readString(Path.of("src/test/kotlin/io/netpark/samples/consumer/$SERVICE.kt"))
        fun line(engine: String) = source.lines().single { "embeddedServer($engine," in it }
        line("CIO").replace("CIO", "Netpark") shouldBe line("Netpark")
    }

    test("the module's README names the artifact that this is") {
        val readme = Files.readString(Path.of("..", "interop-ktor", "README.md"))
        readme shouldContain "<artifactId>netpark-ktor-server</artifactId>"
        readme shouldContain "implementation(\"io.netpark:netpark-ktor-server:" // VersionsSpec has the version
    }
})
