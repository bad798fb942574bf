package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** An example in the Javadoc is {@code <pre>{@code}; what is {@code <pre>} alone is a drawing. Core has no Java tests of its own. */
class DocumentationTest {

    private static final List<Path> SOURCES =
            List.of(Path.of("../core/src/main/java"), Path.of("../core/src/main/java22"), Path.of("src/main/java"));
    private static final Pattern EXAMPLE = Pattern.compile("<pre>\\{@code\\R(.*?)}</pre>", Pattern.DOTALL);
    private static final Pattern DRAWING = Pattern.compile("<pre>(?!\\{@code)(.*?)</pre>", Pattern.DOTALL);

    @Test
    void theExamplesOfTheJavadocAreThoseThatAreCompiledHere() throws Exception {
        String compiled = plain(Files.readString(Path.of("src/test/java/io/netpark/callback/DocumentationExamples.java")));
        int examples = 0;
        for (Path source : sources()) {
            for (Matcher found = EXAMPLE.matcher(Files.readString(source)); found.find(); examples++) {
                String example = plain(found.group(1));
                assertTrue(compiled.contains(example), () -> "put this of " + source + " into DocumentationExamples.java:\n" + example);
            }
        }
        assertTrue(examples >= 5, examples + " examples");
    }

    @Test
    void theExampleOfATestOnASimulatedNetworkRuns() throws Exception {
        DocumentationExamples.onSimulatedNetwork();
    }

    @Test
    void aDrawingIsNoExample() throws Exception {
        for (Path source : sources()) {
            for (Matcher found = DRAWING.matcher(Files.readString(source)); found.find(); ) {
                String drawing = plain(found.group(1));
                assertFalse(drawing.lines().anyMatch(line -> line.endsWith(";")),
                        () -> "this of " + source + " is code: write <pre>{@code\n" + drawing);
            }
        }
    }

    private static List<Path> sources() throws IOException {
        List<Path> all = new ArrayList<>();
        for (Path folder : SOURCES) {
            try (Stream<Path> files = Files.walk(folder)) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(all::add);
            }
        }
        return all;
    }

    /** Without the stars of a comment, and without indentation. */
    private static String plain(String text) {
        return text.lines().map(line -> line.strip().replaceFirst("^\\*( |$)", "").strip())
                .filter(line -> !line.isEmpty()).collect(Collectors.joining("\n"));
    }
}
