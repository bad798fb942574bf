package io.netpark.samples.consumer

import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import io.netpark.samples.architecture.root
import org.w3c.dom.Element
import java.nio.file.Path
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.io.path.readText

/** A pom.xml, as far as it is written there. */
private class Pom(file: Path) {
    private val project: Element = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile()).documentElement

    val artifact get() = text("artifactId")
    val version get() = text("version")
    val parent: String? get() = child(project, "parent")?.let { child(it, "artifactId")!!.textContent }
    val modules: List<String> get() = children(child(project, "modules")!!).map { it.textContent }
    val published: Boolean get() = child(project, "properties")?.let { child(it, "maven.deploy.skip") }?.textContent != "true"

    /** Each as artifact, version and scope. */
    val managed: List<Triple<String, String, String?>>
        get() = children(child(child(project, "dependencyManagement")!!, "dependencies")!!).map { each ->
            Triple(child(each, "artifactId")!!.textContent, child(each, "version")!!.textContent, child(each, "scope")?.textContent)
        }

    private fun text(name: String) = child(project, name)!!.textContent

    private fun child(of: Element, name: String) = children(of).singleOrNull { it.tagName == name }

    private fun children(of: Element) = (0 until of.childNodes.length).mapNotNull { of.childNodes.item(it) as? Element }
}

/** `netpark-bom`: what it manages, and that it cannot fall behind. */
class BomSpec : SampleSpec({
    val parent = Pom(root.resolve("pom.xml"))
    val bom = Pom(root.resolve("bom/pom.xml"))

    test("it manages every artifact that is published, in its own version") {
        val published = (parent.modules - "bom").map { Pom(root.resolve(it).resolve("pom.xml")) }.filter { it.published }
        published.shouldNotBeEmpty()
        bom.managed shouldContainExactlyInAnyOrder published.map { Triple(it.artifact, "\${project.version}", null) }
    }

    test("its version is that of the others, and it brings nothing that a parent manages") {
        bom.version shouldBe parent.version
        bom.parent shouldBe null
    }

    test("the README depends on what the BOM has, in its version") {
        val readme = root.resolve("README.md").readText().substringAfter("## Depending on it").substringBefore("\n## ")
        val named = Regex("<artifactId>(netpark-[a-z-]+)</artifactId>|io\\.netpark:(netpark-[a-z-]+)").findAll(readme)
            .map { it.groupValues[1] + it.groupValues[2] }.toSet()
        named.shouldNotBeEmpty()
        (named - bom.managed.map { it.first }.toSet()) shouldBe setOf(bom.artifact)
        Regex("<version>([^<]*)</version>|netpark-bom:([^\"]*)").findAll(readme).map { it.groupValues[1] + it.groupValues[2] }.toSet() shouldBe
            setOf(bom.version)
    }
})
