package io.netpark.samples.architecture

import com.tngtech.archunit.core.domain.JavaModifier
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.callback.CallbackServer
import io.netpark.core.sys.LibC
import io.netpark.coroutines.Reactor
import io.netpark.ktor.Netpark
import io.netpark.samples.SampleSpec
import io.netpark.simulation.kernel.SimulatedKernel
import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** CONTRIBUTING has it. */
private const val REWRITE = "mvn verify -pl samples -am -Dtest=PublicApiSpec -Dsurefire.failIfNoSpecifiedTests=false -Dnetpark.api=write"

/**
 * What users can link with, as text: a file a module. Whoever changes that changes the file, so that a change is seen as one.
 *
 * What is internal in Kotlin is left out, unless inline functions call it; so are packages that the module does not export to everybody.
 */
class PublicApiSpec : SampleSpec({
    for ((folder, anyClass) in listOf(
        "core" to LibC::class.java,
        "simulation" to SimulatedKernel::class.java,
        "coroutines" to Reactor::class.java,
        "interop-java" to CallbackServer::class.java,
        "interop-ktor" to Netpark::class.java,
    )) {
        val file = root.resolve(folder).resolve("api").resolve("$folder.api")

        test("the public API of $folder is that of its file") {
            val now = publicApi(Module(anyClass))
            if (System.getProperty("netpark.api") == "write") {
                Files.createDirectories(file.parent)
                file.writeText(now)
            }
            withClue("If the change is meant: $REWRITE") {
                val before = if (file.exists()) file.readText() else ""
                // Line by line: a difference of two long texts is not for reading.
                (before.lines() - now.lines().toSet()).map { "- $it" }.shouldBeEmpty()
                (now.lines() - before.lines().toSet()).map { "+ $it" }.shouldBeEmpty()
                now shouldBe before
            }
        }
    }

    test("CONTRIBUTING has the command") {
        (REWRITE in root.resolve("CONTRIBUTING.md").readText()) shouldBe true
    }
})

private fun publicApi(module: Module): String {
    val inner = module.inner.flatMap { listOf("$it.*", "$it.*.*") }.toSet() // classes, and classes in classes
    val text = StringBuilder()
    AbiTools.getInstance().printJvmDump(text, classFiles(module.path), AbiFilters(emptySet(), inner, emptySet(), emptySet()))
    for (line in inherited(module)) text.appendLine(line)
    return text.toString()
}

/**
 * What the library leaves out: methods of a class that users can name, from a class above it that they cannot. Java lets users call them,
 * and Kotlin has no such classes.
 */
private fun inherited(module: Module): List<String> =
    module.classes.filter { it.packageName !in module.inner && it.isShown() }.flatMap { shown ->
        shown.allMethods.filter { it.owner.packageName == shown.packageName && !it.owner.isShown() && isOpen(it.modifiers) }
            .filter { JavaModifier.SYNTHETIC !in it.modifiers && JavaModifier.STATIC !in it.modifiers } // statics are in the library's text
            .map { "inherited fun ${shown.name.replace('.', '/')}.${it.name} ${it.descriptor}" }
    }.distinct().sorted()

/** The library takes a jar, or class files one by one. */
private fun classFiles(path: Path) =
    if (Files.isDirectory(path)) path.toFile().walk().filter { it.extension == "class" }.toList() else listOf(path.toFile())
