package io.netpark.bench.tls;

import io.netpark.bench.machine.BenchFailure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

/**
 * The certificate of all servers, which nobody has signed, with a key on P-256: what most have by now. It is made by the JDK's
 * keytool when there is none, or an old one.
 */
public final class SelfSigned {

    private static final String PASSWORD = "netpark";
    private static final String ALIAS = "bench";
    private static final long VALID_DAYS = 90;
    private static final long KEPT_DAYS = 60;

    private final X509Certificate certificate;
    private final PrivateKey key;

    private SelfSigned(X509Certificate certificate, PrivateKey key) {
        this.certificate = certificate;
        this.key = key;
    }

    /** The file with it, in that folder. */
    public static Path file(Path folder) {
        Path file = folder.resolve("certificate.p12");
        try {
            if (!Files.exists(file) || Files.getLastModifiedTime(file).toMillis()
                    < System.currentTimeMillis() - TimeUnit.DAYS.toMillis(KEPT_DAYS)) {
                make(file);
            }
            return file;
        } catch (IOException e) {
            throw new BenchFailure("a certificate cannot be made: " + e.getMessage());
        }
    }

    /** Reads such a file. */
    public static SelfSigned read(Path file) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, PASSWORD.toCharArray());
            }
            return new SelfSigned((X509Certificate) store.getCertificate(ALIAS),
                    (PrivateKey) store.getKey(ALIAS, PASSWORD.toCharArray()));
        } catch (IOException | GeneralSecurityException e) {
            throw new BenchFailure("there is no certificate: " + e.getMessage());
        }
    }

    private static void make(Path file) throws IOException {
        Path folder = Files.createTempDirectory(file.getParent(), "keytool");
        Path made = folder.resolve("made.p12");
        Path log = folder.resolve("log");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", ALIAS, "-keyalg", "EC", "-groupname", "secp256r1", "-sigalg", "SHA256withECDSA",
                "-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-validity", Long.toString(VALID_DAYS),
                "-storetype", "PKCS12", "-keystore", made.toString(), "-storepass", PASSWORD)
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        try {
            if (keytool.waitFor() != 0) {
                throw new IOException("keytool failed; see " + log);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted");
        }
        Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
        Files.delete(log);
        Files.delete(folder);
    }

    public X509Certificate certificate() {
        return certificate;
    }

    public PrivateKey key() {
        return key;
    }

    /** Writes both into a folder, as {@code cert.pem} and {@code key.pem}: for programs that are not Java's. */
    public void writePem(Path folder) throws IOException {
        try {
            write(folder.resolve("cert.pem"), "CERTIFICATE", certificate.getEncoded());
            write(folder.resolve("key.pem"), "PRIVATE KEY", key.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    private static void write(Path file, String type, byte[] content) throws IOException {
        String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        Files.writeString(file, "-----BEGIN " + type + "-----\n" + lines + "\n-----END " + type + "-----\n",
                StandardCharsets.US_ASCII);
    }
}
