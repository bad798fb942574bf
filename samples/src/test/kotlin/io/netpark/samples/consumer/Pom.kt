package io.netpark.samples.consumer

import io.netpark.samples.architecture.root
import org.w3c.dom.Element
import java.nio.file.Path
import javax.xml.parsers.DocumentBuilderFactory

/** A pom.xml, as far as it is written there. */
class Pom(file: Path) {
    private val project: Element = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile()).documentElement

    val artifact: String get() = text("artifactId")
    val version: String get() = text("version")
    val parent: String? get() = child(project, "parent")?.let { child(it, "artifactId")!!.textContent }
    val parentVersion: String? get() = child(project, "parent")?.let { child(it, "version")!!.textContent }
    val modules: List<String> get() = children(child(project, "modules")!!).map { it.textContent }
    val published: Boolean get() = property("maven.deploy.skip") != "true"

    /** What it has an element for. */
    val parts: List<String> get() = children(project).map { it.tagName }

    /** Each as artifact, version and scope. */
    val managed: List<Triple<String, String, String?>>
        get() = children(child(child(project, "dependencyManagement")!!, "dependencies")!!).map { each ->
            Triple(child(each, "artifactId")!!.textContent, child(each, "version")!!.textContent, child(each, "scope")?.textContent)
        }

    fun property(name: String): String? = child(project, "properties")?.let { child(it, name) }?.textContent

    private fun text(name: String) = child(project, name)!!.textContent

    private fun child(of: Element, name: String) = children(of).singleOrNull { it.tagName == name }

    private fun children(of: Element) = (0 until of.childNodes.length).mapNotNull { of.childNodes.item(it) as? Element }

    companion object {
        /** That of a folder of this project. */
        fun of(folder: String): Pom = Pom(root.resolve(folder).resolve("pom.xml"))
    }
}
