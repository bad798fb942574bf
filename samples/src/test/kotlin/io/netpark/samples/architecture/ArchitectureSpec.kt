package io.netpark.samples.architecture

import com.tngtech.archunit.core.domain.Dependency
import com.tngtech.archunit.core.domain.JavaClass
import com.tngtech.archunit.core.domain.JavaModifier
import com.tngtech.archunit.lang.ArchRule
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.maps.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.callback.CallbackServer
import io.netpark.core.sys.LibC
import io.netpark.coroutines.Reactor
import io.netpark.http.RequestHead
import io.netpark.samples.SampleSpec
import io.netpark.simulation.kernel.SimulatedKernel
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.extension
import kotlin.io.path.isDirectory
import kotlin.io.path.name
import kotlin.io.path.nameWithoutExtension
import kotlin.io.path.readText

/** More than this, and a reader does not find things at the first guess. */
private const val MOST_FILES = 25

/** The one signature with an inner class in it: what rooms of core count goes to the counters of a loop. */
private const val FOR_ROOMS_ABOVE = "io.netpark.core.loop.EventLoop.counters()"

/** What docs/architecture.md and CONTRIBUTING.md say about packages. */
class ArchitectureSpec : SampleSpec({
    val core = Module(LibC::class.java)
    val simulation = Module(SimulatedKernel::class.java)
    val coroutines = Module(Reactor::class.java)
    val callback = Module(CallbackServer::class.java)
    val ktor = Module(RequestHead::class.java)
    val samples = Module(Class.forName("io.netpark.samples.ProgramKt"))

    test("arrows between packages are those that the plan draws, and point down") {
        for ((heading, base, module) in listOf(
            Triple("core", "io.netpark.core", core),
            Triple("simulation", "io.netpark.simulation", simulation),
            Triple("coroutines", "io.netpark", coroutines),
            Triple("interop-java", "io.netpark", callback),
            Triple("interop-ktor", "io.netpark", ktor),
        )) {
            val rooms = Plan.rooms(heading, base)
            rooms.shouldNotBeEmpty()
            val arrows = module.arrows()
            val drawn = rooms.flatMap { room -> room.uses.map { room.name to it } }.toSet()
            val known = rooms.map { it.name }
            val packages = module.classes.map { it.packageName }.toSet()
            withClue(heading) {
                val wrong = (packages - known.toSet()).map { "$it is not in the plan" } +
                    (known.toSet() - packages).map { "$it is in the plan, but no package" } +
                    arrows.filterKeys { it.second in packages && it !in drawn }
                        .map { (arrow, use) -> "${arrow.first} uses ${arrow.second}, which is not drawn: $use" } +
                    (drawn - arrows.keys).map { (from, to) -> "$from does not use $to, which is drawn" } +
                    drawn.filter { (from, to) -> known.indexOf(to) >= known.indexOf(from) }.map { (from, to) -> "$from uses $to above it" }
                wrong.sorted().joinToString("\n") shouldBe ""
            }
        }
    }

    test("adapters know the core, and neither the core knows them nor they each other") {
        val adapters = arrayOf("io.netpark.coroutines..", "io.netpark.callback..", "io.netpark.blocking..")
        val others = arrayOf("io.netpark.http..", "io.netpark.ktor..", "io.ktor..", "io.netpark.samples..", "io.netpark.bench..")
        val notForCore = arrayOf(*adapters, *others, "kotlin..", "kotlinx..")
        core.holds(noClasses().should().dependOnClassesThat().resideInAnyPackage(*notForCore, "io.netpark.simulation.."))
        simulation.holds(noClasses().should().dependOnClassesThat().resideInAnyPackage(*notForCore))
        coroutines.holds(noClasses().should().dependOnClassesThat().resideInAnyPackage(*adapters.drop(1).toTypedArray(), *others))
        callback.holds(noClasses().should().dependOnClassesThat().resideInAnyPackage(adapters[0], *others, "kotlin..", "kotlinx.."))
        val outside = (adapters.drop(1) + others.drop(3)).toTypedArray()
        ktor.holds(noClasses().should().dependOnClassesThat().resideInAnyPackage(*outside))
    }

    test("HTTP does not know Ktor") {
        val rule = noClasses().that().resideInAPackage("io.netpark.http").should().dependOnClassesThat()
        ktor.holds(rule.resideInAnyPackage("io.ktor..", "io.netpark.ktor..", "kotlinx.io.."))
    }

    test("what is optional is known to the rooms that pass it on, and to nobody else") {
        for ((library, rooms) in listOf(
            "com.sun.jna.." to arrayOf("io.netpark.core.sys", "io.netpark.core.heap", "io.netpark.core.memory"),
            "io.micrometer.." to arrayOf("io.netpark.core.micrometer"),
            "reactor.blockhound.." to arrayOf("io.netpark.core.blockhound"),
            "jdk.jfr.." to arrayOf("io.netpark.core.jfr"),
        )) {
            val rule = noClasses().that().resideOutsideOfPackages(*rooms).should().dependOnClassesThat().resideInAPackage(library)
            for (module in listOf(core, simulation, coroutines, callback, ktor)) module.holds(rule)
        }
    }

    test("no circle among the packages of the samples") {
        slices().matching("io.netpark.(samples..)").should().beFreeOfCycles().check(samples.classes)
    }

    test("no signature that users see names an inner package") {
        val shown = listOf(core, simulation, callback).flatMap { module -> module.classes.flatMap { it.shown(core.inner + module.inner) } } +
            // Kotlin sees to its own packages: what is internal is public to the JVM only.
            listOf(coroutines, ktor).flatMap { module ->
                module.classes.filter { it.packageName !in module.inner }.flatMap { it.shown(core.inner) }
                    .filter { '$' !in it.substringBefore('(').substringAfterLast('.') }
            }
        shown.filterNot { FOR_ROOMS_ABOVE in it }.joinToString("\n") shouldBe ""
    }

    test("no package has more than $MOST_FILES files") {
        val all = sources()
        all.shouldNotBeEmpty()
        all.groupingBy { it.packageName }.eachCount().filterValues { it > MOST_FILES }.shouldBeEmpty()
    }

    test("names say what a thing is") {
        val rule = classes().should().haveNameNotMatching(""".*(Impl|Manager|Utils?|Helpers?)(\$.*)?""")
        for (module in listOf(core, simulation, coroutines, callback, ktor, samples)) module.holds(rule)
    }

    /** Kotlin's toList, for one, asks for the size, and if that is one, for the first: which may be gone by then. */
    test("what other threads change is not copied by functions of Kotlin that look twice") {
        val shared = Regex("ConcurrentHashMap|newKeySet|ConcurrentSkipList|ConcurrentLinked|CopyOnWrite")
        val looksTwice = Regex("""\.(toList|toSet|toMap|reversed|sorted\w*)\b\W""")
        sources().filter { it.path.extension == "kt" }.flatMap { source ->
            val text = source.path.readText()
            if (shared in text) looksTwice.findAll(text).map { "${source.path.name}: ${it.groupValues[1]}" }.toList() else emptyList()
        }.shouldBeEmpty()
    }

    test("what the plan's text names is there") {
        val all = listOf(core, simulation, coroutines, callback, ktor, samples).flatMap { it.classes }.map { it.simpleName } +
            sources().map { it.path.nameWithoutExtension }
        val named = Regex("`([A-Z][a-z]+[A-Za-z]*)(\\.kt)?`").findAll(Plan.document).map { it.groupValues[1] }.toSet()
        (named - all.toSet()).shouldBeEmpty()
    }
})

/** Who uses whom, and an example. Constants of another class leave no trace among the instructions, but are imported. */
private fun Module.arrows(): Map<Pair<String, String>, String> {
    val own = classes.map { it.packageName }.toSet()
    val imported = sources().filter { it.packageName in own }.flatMap { source ->
        IMPORT.findAll(source.path.readText()).map { source.packageName to it.groupValues[1] to source.path.name }
    }
    val compiled = classes.flatMap { it.directDependenciesFromSelf }.map { it.from to it.to to it.description }
    return (imported + compiled).filter { (arrow, _) -> arrow.first != arrow.second }.toMap()
}

private val IMPORT = Regex("""^import (?:static )?(io\.netpark\.[a-z.]+)\.[\w`]""", RegexOption.MULTILINE)

private fun Module.holds(rule: ArchRule) = rule.check(classes)

private val Dependency.from: String get() = originClass.baseComponentType.packageName
private val Dependency.to: String get() = targetClass.baseComponentType.packageName

/** Signatures of an exported class that name a class of a package that is not. */
private fun JavaClass.shown(inner: Set<String>): List<String> {
    if (packageName in inner || !isShown()) return emptyList()
    val members = (codeUnits.map { it to it.parameterTypes + it.returnType } + fields.map { it to listOf(it.type) })
        .filter { (member, _) -> isOpen(member.modifiers) && JavaModifier.SYNTHETIC !in member.modifiers }
    return members.flatMap { (member, types) ->
        types.flatMap { it.allInvolvedRawTypes }.filter { it.baseComponentType.packageName in inner }
            .map { "${member.fullName} names ${it.name}" }
    }
}

private class SourceFile(val packageName: String, val path: Path)

/** All files of main code, of all modules: Java and Kotlin. */
private fun sources(): List<SourceFile> =
    Files.list(root).use { modules -> modules.map { it.resolve("src/main") }.filter { it.isDirectory() }.toList() }.flatMap { main ->
        Files.list(main).use { folders -> folders.filter { it.name.startsWith("java") || it.name == "kotlin" }.toList() }
    }.flatMap { folder ->
        Files.walk(folder).use { files -> files.filter { it.extension == "java" || it.extension == "kt" }.toList() }
            .filter { it.parent != folder } // not module-info
            .map { SourceFile(folder.relativize(it.parent).joinToString("."), it) }
    }
