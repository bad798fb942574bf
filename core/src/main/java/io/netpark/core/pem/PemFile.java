package io.netpark.core.pem;

import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A PEM file that has been read: blocks of Base64 between a line that begins them and one that ends them. Whatever is outside of a
 * block is a comment. Immutable.
 */
public final class PemFile {

    /** More is no file of certificates: the bundles of all public authorities have a few hundred kilobytes. */
    private static final int MOST_BYTES = 16 << 20;

    private static final String BEGIN = "-----BEGIN ";
    private static final String END = "-----END ";
    private static final String DASHES = "-----";

    private final Path path;
    private final List<Block> blocks;

    private PemFile(Path path, List<Block> blocks) {
        this.path = path;
        this.blocks = blocks;
    }

    /**
     * One block.
     *
     * @param label what it is said to be
     * @param line where it begins, from 1
     * @param encrypted whether its headers say that its content is encrypted, as OpenSSL before 1.0 did (RFC 1421)
     * @param content the bytes
     */
    record Block(String label, int line, boolean encrypted, byte[] content) {}

    /**
     * A certificate and where it is.
     *
     * @param line where its block begins, from 1
     */
    public record Entry(int line, X509Certificate certificate) {}

    /**
     * Reads a file.
     *
     * @throws PemException if it cannot be read, or is no PEM
     */
    public static PemFile read(Path path) throws PemException {
        return new PemFile(path, parse(path, bytes(path)));
    }

    private static byte[] bytes(Path path) throws PemException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(path)) {
            bytes = in.readNBytes(MOST_BYTES + 1);
        } catch (NoSuchFileException | FileNotFoundException e) {
            throw new PemException(path + ": there is no such file", e);
        } catch (AccessDeniedException e) {
            throw new PemException(path + ": this process has no right to read the file", e);
        } catch (IOException e) {
            String trouble = Files.isDirectory(path) ? "is a folder; name a file in it" : "cannot be read: " + e.getMessage();
            throw new PemException(path + ": " + trouble, e);
        }
        if (bytes.length == 0) {
            throw new PemException(path + ": the file is empty");
        }
        if (bytes.length > MOST_BYTES) {
            throw new PemException(path + ": the file has more than " + (MOST_BYTES >> 20) + " MiB; it is no file of certificates");
        }
        return bytes;
    }

    private static List<Block> parse(Path path, byte[] bytes) throws PemException {
        // Each byte a character: what is not ASCII can only be in comments.
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        List<Block> blocks = new ArrayList<>();
        StringBuilder base64 = new StringBuilder();
        @Nullable String label = null;
        boolean encrypted = false;
        int begun = 0;
        int number = 0;
        for (String whole : (Iterable<String>) text.lines()::iterator) {
            number++;
            String line = whole.strip();
            if (label == null) {
                int at = line.indexOf(BEGIN);
                if (at >= 0 && line.endsWith(DASHES) && line.length() > at + BEGIN.length() + DASHES.length()) {
                    label = line.substring(at + BEGIN.length(), line.length() - DASHES.length());
                    begun = number;
                    encrypted = false;
                    base64.setLength(0);
                }
            } else if (line.startsWith(END)) {
                if (!line.equals(END + label + DASHES)) {
                    throw new PemException(
                            path + ", line " + number + ": '" + line + "' does not end the " + label + " of line " + begun);
                }
                blocks.add(new Block(label, begun, encrypted, decode(path, label, begun, base64.toString())));
                label = null;
            } else if (line.startsWith(DASHES)) {
                throw new PemException(path + ", line " + number + ": the " + label + " of line " + begun
                        + " has no end; the file has been cut off or pasted together wrongly");
            } else if (line.indexOf(':') >= 0) {
                encrypted |= line.startsWith("Proc-Type:") && line.contains("ENCRYPTED");
            } else {
                requireBase64(path, line, number);
                base64.append(line);
            }
        }
        if (label != null) {
            throw new PemException(path + ", line " + begun + ": the " + label + " has no end; the file has been cut off");
        }
        if (blocks.isEmpty()) {
            throw new PemException(path + ": " + otherThanPem(path, bytes));
        }
        return List.copyOf(blocks);
    }

    private static void requireBase64(Path path, String line, int number) throws PemException {
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (!(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=')) {
                throw new PemException(path + ", line " + number + ": not Base64, at character " + (i + 1));
            }
        }
    }

    private static byte[] decode(Path path, String label, int line, String base64) throws PemException {
        byte[] content;
        try {
            content = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new PemException(path + ", line " + line + ": the Base64 of the " + label + " is damaged: " + e.getMessage(), e);
        }
        if (content.length == 0) {
            throw new PemException(path + ", line " + line + ": the " + label + " is empty");
        }
        return content;
    }

    private static String otherThanPem(Path path, byte[] bytes) {
        if (bytes[0] == 0x30) { // a SEQUENCE
            return "is binary, not PEM. A certificate in DER is converted by 'openssl x509 -inform der -in " + path
                    + "', a key by 'openssl pkey -inform der -in " + path + "'; a PKCS#12 store is given as a key store";
        }
        if (bytes.length > 1 && (bytes[0] & bytes[1] & 0xFE) == 0xFE && bytes[0] != bytes[1]) { // a mark of byte order
            return "is text in UTF-16; save it as ASCII";
        }
        return "has no line '" + BEGIN + "...-----', so it is no PEM";
    }

    /** Which file it is. */
    public Path path() {
        return path;
    }

    List<Block> blocks() {
        return blocks;
    }

    /** How messages name a block. */
    String place(Block block) {
        return path + ", line " + block.line();
    }

    /**
     * All certificates, in the order of the file. Keys are left out.
     *
     * @return at least one
     * @throws PemException if there is none, or one cannot be read
     */
    public List<Entry> certificates() throws PemException {
        List<Entry> certificates = new ArrayList<>();
        for (Block block : blocks) {
            switch (block.label()) {
                case "CERTIFICATE", "X509 CERTIFICATE" -> certificates.add(new Entry(block.line(), certificate(block)));
                case "TRUSTED CERTIFICATE" -> throw new PemException(place(block)
                        + ": is in a form of OpenSSL's own; convert it by 'openssl x509 -in " + path + "'");
                case "PKCS7", "CMS" -> throw new PemException(place(block)
                        + ": is PKCS#7; convert it by 'openssl pkcs7 -print_certs -in " + path + "'");
                case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST" -> throw new PemException(place(block)
                        + ": is a request for a certificate; an authority makes a certificate of it");
                default -> {} // keys and parameters, which may be in the same file
            }
        }
        if (certificates.isEmpty()) {
            throw new PemException(path + ": has no certificate, only " + labels());
        }
        return certificates;
    }

    private X509Certificate certificate(Block block) throws PemException {
        try {
            return (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(block.content()));
        } catch (CertificateException e) {
            throw new PemException(place(block) + ": the certificate cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The private key.
     *
     * @param password what it is encrypted with; null if it is not
     * @throws PemException if there is none or more than one, it cannot be read, or the password is wrong or missing
     */
    public PrivateKey privateKey(char @Nullable [] password) throws PemException {
        return new PemKey(this, password).read();
    }

    /** What is there instead of what is looked for. */
    String labels() {
        return String.join(", ", blocks.stream().map(Block::label).distinct().toList());
    }
}
