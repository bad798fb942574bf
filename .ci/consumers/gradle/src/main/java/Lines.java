import java.io.File;
import java.util.Map;
import java.util.stream.Collectors;
import org.gradle.api.Project;
import org.gradle.testfixtures.ProjectBuilder;

/** Applies a script to a project of Java in an empty folder, and prints what is on the class path then. */
public final class Lines {

    private Lines() {}

    public static void main(String[] arguments) {
        Project project = ProjectBuilder.builder().withProjectDir(new File(arguments[0])).build();
        project.getPluginManager().apply("java");
        project.apply(Map.of("from", new File(arguments[1])));
        System.out.println("Gradle " + project.getGradle().getGradleVersion() + ": "
                + project.getConfigurations().getByName("runtimeClasspath").getFiles().stream().map(File::getName).collect(Collectors.joining(", ")));
        System.exit(0); // Gradle's threads would go on
    }
}
