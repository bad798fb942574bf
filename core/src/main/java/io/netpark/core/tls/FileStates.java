package io.netpark.core.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * What tells one state of some files from another: where each path leads, and the identity, time and size of what is there.
 *
 * @param texts one for each file
 */
record FileStates(List<String> texts) {

    /** Those of now. */
    static FileStates of(List<Path> files) {
        List<String> texts = new ArrayList<>();
        for (Path file : files) {
            String text;
            try {
                Path real = file.toRealPath();
                BasicFileAttributes attributes = Files.readAttributes(real, BasicFileAttributes.class);
                text = real + " " + attributes.fileKey() + " " + attributes.lastModifiedTime() + " " + attributes.size();
            } catch (IOException e) {
                text = e.toString(); // gone, for example
            }
            texts.add(text);
        }
        return new FileStates(texts);
    }
}
