import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * 集采平台签名客户端示例: 一个文件, Java 8 以上, 不依赖第三方库, SM3 在文件内实现 /
 * a signing client for Jicai: one file, Java 8 or later, no library, SM3 included.
 *
 * <pre>
 * javac --release 8 JicaiClient.java   (JDK 8: javac JicaiClient.java)
 * java JicaiClient enqueue &lt; event.json   先落盘编号, 再发送 / the id is on disk before anything is sent
 * java JicaiClient send                   结果未知的用原编号重发 / resend unknown outcomes, same ids
 * java JicaiClient follow                 从上次的游标续读变更 / go on from the last cursor
 * java JicaiClient sign METHOD TARGET TIMESTAMP NONCE &lt; body
 * </pre>
 *
 * Environment: JICAI_URL, JICAI_KEY, JICAI_SECRET, JICAI_ALGORITHM (sm3 | sha256), JICAI_STATE (a folder).
 */
public final class JicaiClient {
    private static final String URL_ = setting("JICAI_URL", "http://127.0.0.1:8000");
    private static final String KEY = setting("JICAI_KEY", "");
    private static final String SECRET = setting("JICAI_SECRET", "");
    private static final String ALGORITHM = setting("JICAI_ALGORITHM", "sm3");
    private static final File STATE = new File(setting("JICAI_STATE", "jicai-state"));
    private static final int ATTEMPTS = Integer.parseInt(setting("JICAI_ATTEMPTS", "10"));
    private static final long LONGEST_PAUSE = 30000;

    private static final Pattern NEXT = Pattern.compile("\"next\"\\s*:\\s*\"([^\"]*)\"\\s*}\\s*$");
    private static final Pattern NO_ITEMS = Pattern.compile("^\\s*\\{\\s*\"items\"\\s*:\\s*\\[\\s*]");
    private static final Pattern RETRYABLE = Pattern.compile("\"retryable\"\\s*:\\s*true");

    private JicaiClient() {}

    public static void main(String[] arguments) throws Exception {
        // JDK 会自行重发 POST, 随机串就重复了 / the JDK repeats a POST by itself, nonce and all: not here
        System.setProperty("sun.net.http.retryPost", "false");
        String command = arguments.length > 0 ? arguments[0] : "";
        try {
            if (command.equals("enqueue")) {
                System.out.println(enqueue(new String(readAll(System.in), StandardCharsets.UTF_8)));
            } else if (command.equals("send")) {
                System.exit(send() ? 0 : 1);
            } else if (command.equals("follow")) {
                follow(Arrays.asList(arguments).contains("--once"));
            } else if (command.equals("sign") && arguments.length == 5) {
                String text = stringToSign(
                        arguments[1], arguments[2], arguments[3], arguments[4], readAll(System.in));
                print(text);
                print(signature(text));
            } else {
                System.err.println("enqueue | send | follow [--once] | sign METHOD TARGET TIMESTAMP NONCE");
                System.exit(2);
            }
        } catch (GaveUp error) {
            System.err.println("未得到答复, 请稍后再运行 / no answer, run it again: " + error.getMessage());
            System.exit(75);
        }
    }

    // --- 签名 / signing ----------------------------------------------------------------------

    /** 方法、路径?查询 (逐字节同发送)、时间戳、随机串、请求体摘要, 以一个 LF 相连, 末尾无换行. */
    static String stringToSign(String method, String target, String timestamp, String nonce, byte[] body) {
        return method + "\n" + target + "\n" + timestamp + "\n" + nonce + "\n" + hex(hash(body));
    }

    /** HMAC (RFC 2104), 小写十六进制 / lower-case hex. SM3 和 SHA-256 的分组都是 64 字节. */
    static String signature(String text) {
        byte[] key = SECRET.getBytes(StandardCharsets.UTF_8);
        byte[] block = Arrays.copyOf(key.length > 64 ? hash(key) : key, 64);
        byte[] inner = new byte[64];
        byte[] outer = new byte[64];
        for (int i = 0; i < 64; i++) {
            inner[i] = (byte) (block[i] ^ 0x36);
            outer[i] = (byte) (block[i] ^ 0x5c);
        }
        return hex(hash(join(outer, hash(join(inner, text.getBytes(StandardCharsets.UTF_8))))));
    }

    private static byte[] hash(byte[] text) {
        if (ALGORITHM.equals("sm3")) {
            return Sm3.hash(text);
        }
        try {
            return MessageDigest.getInstance("SHA-256").digest(text);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    /** 国密杂凑算法 SM3 (GB/T 32905-2016): JDK 不带 / not in the JDK. */
    static final class Sm3 {
        private static final int[] START = {
            0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e
        };

        static byte[] hash(byte[] text) {
            int[] v = START.clone();
            byte[] padded = pad(text);
            for (int at = 0; at < padded.length; at += 64) {
                compress(v, padded, at);
            }
            byte[] out = new byte[32];
            for (int i = 0; i < 32; i++) {
                out[i] = (byte) (v[i / 4] >>> (24 - 8 * (i % 4)));
            }
            return out;
        }

        private static byte[] pad(byte[] text) {
            byte[] padded = Arrays.copyOf(text, (text.length + 8) / 64 * 64 + 64);
            padded[text.length] = (byte) 0x80;
            long bits = text.length * 8L;
            for (int i = 0; i < 8; i++) {
                padded[padded.length - 1 - i] = (byte) (bits >>> (8 * i));
            }
            return padded;
        }

        private static void compress(int[] v, byte[] text, int at) {
            int[] w = new int[68];
            for (int i = 0; i < 16; i++) {
                int n = at + 4 * i;
                w[i] = (text[n] & 255) << 24 | (text[n + 1] & 255) << 16
                        | (text[n + 2] & 255) << 8 | text[n + 3] & 255;
            }
            for (int i = 16; i < 68; i++) {
                int x = w[i - 16] ^ w[i - 9] ^ Integer.rotateLeft(w[i - 3], 15);
                w[i] = x ^ Integer.rotateLeft(x, 15) ^ Integer.rotateLeft(x, 23)
                        ^ Integer.rotateLeft(w[i - 13], 7) ^ w[i - 6];
            }
            int a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7];
            for (int i = 0; i < 64; i++) {
                int t = Integer.rotateLeft(i < 16 ? 0x79cc4519 : 0x7a879d8a, i % 32);
                int a12 = Integer.rotateLeft(a, 12);
                int ss1 = Integer.rotateLeft(a12 + e + t, 7);
                int ff = i < 16 ? a ^ b ^ c : a & b | a & c | b & c;
                int gg = i < 16 ? e ^ f ^ g : e & f | ~e & g;
                int tt1 = ff + d + (ss1 ^ a12) + (w[i] ^ w[i + 4]);
                int tt2 = gg + h + ss1 + w[i];
                d = c;
                c = Integer.rotateLeft(b, 9);
                b = a;
                a = tt1;
                h = g;
                g = Integer.rotateLeft(f, 19);
                f = e;
                e = tt2 ^ Integer.rotateLeft(tt2, 9) ^ Integer.rotateLeft(tt2, 17);
            }
            int[] now = {a, b, c, d, e, f, g, h};
            for (int i = 0; i < 8; i++) {
                v[i] ^= now[i];
            }
        }
    }

    // --- 发送 / one request, until it is answered ----------------------------------------------

    /** 一次答复 / an answer. */
    static final class Answer {
        final int status;
        final String text;

        Answer(int status, String text) {
            this.status = status;
            this.text = text;
        }
    }

    /** 没有得到答复, 结果未知 / no answer: the outcome is unknown, run it again. */
    static final class GaveUp extends Exception {
        private static final long serialVersionUID = 1L;

        GaveUp(String why) {
            super(why);
        }
    }

    /** 断线、繁忙、5xx 时退避重试, 每次重新签名 / backs off, and every attempt is signed anew. */
    static Answer call(String method, String target, byte[] body, String media)
            throws GaveUp, InterruptedException {
        String why = "";
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            if (attempt > 0) {
                long pause = Math.min(200L << Math.min(attempt, 10), LONGEST_PAUSE);
                Thread.sleep(pause / 2 + (long) (Math.random() * pause / 2));
            }
            try {
                Answer answer = attempt(method, target, body, media);
                boolean again = answer.status == 429 || answer.status >= 500
                        || answer.text.contains("\"nonce_used\"")
                        || answer.text.contains("\"idempotency_in_flight\"");
                if (!again) {
                    return answer;
                }
                why = answer.status + " " + answer.text;
            } catch (IOException error) { // 断线, 答复不完整 / cut off before or in the answer
                why = error.toString();
            }
        }
        throw new GaveUp(method + " " + target + ": " + why);
    }

    private static Answer attempt(String method, String target, byte[] body, String media)
            throws IOException {
        String timestamp = Long.toString(System.currentTimeMillis() / 1000);
        String nonce = UUID.randomUUID().toString().replace("-", "");
        HttpURLConnection connection = (HttpURLConnection) new URL(URL_ + target).openConnection();
        connection.setRequestMethod(method);
        connection.setConnectTimeout(10000);
        connection.setReadTimeout(60000);
        connection.setRequestProperty("x-ca-key", KEY);
        connection.setRequestProperty("x-ca-timestamp", timestamp);
        connection.setRequestProperty("x-ca-nonce", nonce);
        connection.setRequestProperty(
                "x-ca-signature", signature(stringToSign(method, target, timestamp, nonce, body)));
        connection.setRequestProperty("Content-Type", media);
        if (body.length > 0) {
            connection.setDoOutput(true);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }
        int status = connection.getResponseCode();
        try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            return new Answer(status, in == null ? "" : new String(readAll(in), StandardCharsets.UTF_8));
        }
    }

    // --- 发件箱 / the outbox: what is in it has an id and may have been sent ---------------------

    /** 事件 (不带 id) 编号后落盘 / an event without its id; the id never changes from here on. */
    static String enqueue(String event) throws IOException {
        String id = UUID.randomUUID().toString();
        String numbered = event.replaceFirst("\\{", "{\"id\":\"" + id + "\",");
        String name = String.format("%020d-%s.json", System.currentTimeMillis() * 1000000L, id);
        write(new File(folder("outbox"), name), numbered);
        return id;
    }

    /** 一次一个事件, 按先后; 大量数据请成批发送 (每批至多 1,000) / one at a time; batches are faster. */
    static boolean send() throws Exception {
        File[] waiting = folder("outbox").listFiles((dir, name) -> name.endsWith(".json"));
        Arrays.sort(waiting);
        boolean all = true;
        for (File file : waiting) {
            byte[] body = Files.readAllBytes(file.toPath());
            Answer answer = call("POST", "/orders/v1/events", body, "application/cloudevents+json");
            print(answer.text);
            if (answer.status == 200) {
                move(file, folder("sent"));
            } else if (answer.status == 422 && answer.text.contains("\"results\"")) {
                all = false;
                // 对方可能尚未上报的留待下次 / what may succeed later stays for the next run
                if (!RETRYABLE.matcher(answer.text).find()) {
                    move(file, folder("rejected"));
                }
            } else {
                return false;
            }
        }
        return all;
    }

    // --- 变更流 / the feed ---------------------------------------------------------------------

    /** 每页一行; 处理完一页才保存游标 / one page a line; the cursor is kept when the page is dealt with. */
    static void follow(boolean once) throws Exception {
        File kept = new File(STATE, "cursor");
        String after = kept.exists() ? read(kept) : "";
        while (true) {
            String target = "/orders/v1/changes?limit=100&wait=" + (once ? 0 : 20)
                    + (after.isEmpty() ? "" : "&after=" + after);
            Answer answer = call("GET", target, new byte[0], "application/json");
            Matcher next = NEXT.matcher(answer.text);
            if (answer.status != 200 || !next.find()) {
                throw new IOException(answer.status + " " + answer.text);
            }
            boolean empty = NO_ITEMS.matcher(answer.text).find();
            if (!empty) {
                print(answer.text);
            }
            after = next.group(1);
            write(kept, after);
            if (once && empty) {
                return;
            }
        }
    }

    // --- 文件与字节 / files and bytes -----------------------------------------------------------

    private static File folder(String name) {
        File folder = new File(STATE, name);
        folder.mkdirs();
        return folder;
    }

    /** 整份写入或不写 / whole or not at all, and on disk when this returns. */
    private static void write(File file, String text) throws IOException {
        folder("");
        File fresh = new File(file.getPath() + ".new");
        try (FileOutputStream out = new FileOutputStream(fresh)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.getFD().sync();
        }
        Files.move(fresh.toPath(), file.toPath(), StandardCopyOption.ATOMIC_MOVE);
    }

    private static String read(File file) throws IOException {
        return new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
    }

    private static void move(File file, File folder) throws IOException {
        Files.move(file.toPath(), new File(folder, file.getName()).toPath(), StandardCopyOption.ATOMIC_MOVE);
    }

    private static byte[] readAll(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        return out.toByteArray();
    }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }

    /** 控制台编码因系统而异, 这里一律 UTF-8 / always UTF-8, whatever the console's own encoding. */
    private static void print(String text) {
        byte[] line = (text + "\n").getBytes(StandardCharsets.UTF_8);
        System.out.write(line, 0, line.length);
        System.out.flush();
    }

    private static String setting(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }
}
