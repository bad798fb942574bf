package io.netpark.samples.consumer

import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldBeEmpty
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.SampleSpec
import java.lang.module.ModuleDescriptor
import java.lang.module.ModuleFinder
import java.nio.file.Files
import java.nio.file.Path

private val jdk = Runtime.version().feature()
private val ffm = jdk >= 22

/** JNA is optional where the JDK reaches the C library itself; so are, everywhere, Micrometer, BlockHound, jspecify and kotlinx-io. */
private val java = listOfNotNull(Artifact.CORE, Artifact.CALLBACK, Artifact.JCTOOLS, Artifact.JNA.takeIf { !ffm })
private val kotlin = java - Artifact.CALLBACK + Artifact.COROUTINES + Artifact.KOTLIN + Artifact.KOTLINX_COROUTINES

/** As the README has it; and nothing else may call native code. */
private val flags = listOfNotNull(
    "--add-modules=com.sun.jna".takeIf { !ffm },
    "--enable-native-access=io.netpark.core".takeIf { ffm },
    "--illegal-native-access=deny".takeIf { jdk >= 24 },
    "--sun-misc-unsafe-memory-access=deny".takeIf { jdk >= 24 },
)

private val binding = if (ffm) "FfmLibC" else "JnaLibC"

/** Programs that depend on Netpark, compiled and run as its users do it. */
class ModulePathSpec : SampleSpec({
    val readme = Files.readString(Path.of("..", "README.md"))

    /** [Greeting.java][Source.resource] with the README's descriptor. */
    fun javaModule(folder: Path): Path {
        val descriptor = Regex("```java\n(module greeting \\{.*?)```", RegexOption.DOT_MATCHES_ALL).find(readme)!!.groupValues[1]
        javac(
            folder, "--release", "17", "-p", java.joined(),
            sources = listOf(Source("module-info.java", descriptor), Source.resource("Greeting.java")),
        ).shouldBeEmpty()
        return folder
    }

    test("a named module that requires the callback API, with the README's descriptor and flag") {
        val module = javaModule(tempdir().toPath())
        if (ffm) readme shouldContain flags.first()
        greets(
            java(flags + listOf("-p", "$module:${java.joined()}", "-m", "greeting/greeting.Greeting")),
            "hello world", binding, "module greeting, module io.netpark.callback",
        )
    }

    test("an image of the program and of the modules that it needs, by jlink").config(enabled = ffm) {
        val module = javaModule(tempdir().toPath())
        val image = tempdir().toPath().resolve("image")
        jlink(
            "-p", "$module:${java.joined()}", "--add-modules", "greeting", "--output", "$image",
            "--add-options=--enable-native-access=io.netpark.core",
        ).shouldBeEmpty()
        greets(
            java(listOf("-m", "greeting/greeting.Greeting"), home = image),
            "hello world", binding, "module greeting, module io.netpark.callback",
        )
    }

    test("the same program on the class path, without Kotlin") {
        val folder = tempdir().toPath()
        javac(folder, "--release", "17", "-cp", java.joined(), sources = listOf(Source.resource("Greeting.java"))).shouldBeEmpty()
        val access = listOfNotNull("--enable-native-access=ALL-UNNAMED".takeIf { ffm }, "--illegal-native-access=deny".takeIf { jdk >= 24 })
        val said = java(access + listOf("-cp", "$folder:${java.joined()}", "greeting.Greeting"))
        said.output.take(2) shouldBe listOf("hello world", binding)
        said.errors.shouldBeEmpty()
    }

    test("a named module in Kotlin that requires the coroutines") {
        val module = kotlinModule(tempdir().toPath())
        greets(
            java(flags + listOf("-p", "$module:${kotlin.joined()}", "-m", "greeting/${Greeting::class.java.name}")),
            "hello world", binding, "module greeting, module io.netpark.coroutines",
        )
    }

    test("JNA on the module path, where it is asked for") {
        val module = kotlinModule(tempdir().toPath())
        val said = java(
            listOfNotNull(
                "-Dnetpark.binding=jna", "--add-modules=com.sun.jna",
                "--enable-native-access=io.netpark.core,com.sun.jna".takeIf { ffm },
                "-p", "$module:${(kotlin - Artifact.JNA + Artifact.JNA).joined()}", "-m", "greeting/${Greeting::class.java.name}",
            ),
        )
        greets(said, "hello world", "JnaLibC", "module greeting, module io.netpark.coroutines")
    }

    test("without JNA, where it is needed, the message says how to have it") {
        val module = kotlinModule(tempdir().toPath())
        val said = java(
            listOf("-Dnetpark.binding=jna", "-p", "$module:${(kotlin - Artifact.JNA).joined()}", "-m", "greeting/${Greeting::class.java.name}"),
        )
        said.errors shouldContain "it needs the library net.java.dev.jna:jna"
        said.errors shouldContain "--add-modules com.sun.jna"
    }

    test("inner packages are not for consumers") {
        val inner = descriptor(Artifact.CORE).let { core ->
            core.packages() - core.exports().filter { !it.isQualified }.map { it.source() }.toSet()
        }
        inner.shouldNotBeEmpty()
        val imports = inner.joinToString("") { "import $it.*;\n" }
        val said = javac(
            tempdir().toPath(), "-p", java.joined(),
            sources = listOf(
                Source("module-info.java", "module greeting { requires io.netpark.callback; }"),
                Source("greeting/Inner.java", "package greeting;\n${imports}class Inner {}"),
            ),
        )
        for (each in inner) {
            withClue(each) { said shouldContain "package $each is" }
        }
    }

    test("what is optional is required static, and not transitive, as Kotlin's compiler wants every module that is") {
        for (artifact in listOf(Artifact.CORE, Artifact.CALLBACK, Artifact.COROUTINES)) {
            val statics = descriptor(artifact).requires().filter { ModuleDescriptor.Requires.Modifier.STATIC in it.modifiers() }
            statics.filter { ModuleDescriptor.Requires.Modifier.TRANSITIVE in it.modifiers() } shouldBe emptyList()
        }
        descriptor(Artifact.CORE).requires().filter { ModuleDescriptor.Requires.Modifier.STATIC !in it.modifiers() }
            .map { it.name() }.toSet() shouldBe setOf("java.base", "org.jctools.core")
    }
})

/** Quietly: a warning about native access, or about anything else, would be in the way of a service's log. */
private fun greets(said: Said, vararg lines: String) {
    said.errors.shouldBeEmpty()
    said.output shouldBe lines.toList()
    said.status shouldBe 0
}

private fun descriptor(artifact: Artifact): ModuleDescriptor = ModuleFinder.of(artifact.path).findAll().single().descriptor()

/** The classes of [Greeting], which the class path compiles, with a descriptor of their own. */
private fun kotlinModule(folder: Path): Path {
    val here = Path.of(Greeting::class.java.protectionDomain.codeSource.location.toURI())
    val name = Greeting::class.java.name.replace('.', '/')
    val target = Files.createDirectories(folder.resolve(name).parent)
    Files.list(here.resolve(name).parent).use { classes ->
        classes.filter { it.fileName.toString().startsWith(Greeting::class.java.simpleName) }
            .forEach { Files.copy(it, target.resolve(it.fileName)) }
    }
    javac(
        folder, "--release", "17", "-p", kotlin.joined(),
        sources = listOf(Source("module-info.java", "module greeting { requires io.netpark.coroutines; }")),
    ).shouldBeEmpty()
    return folder
}
