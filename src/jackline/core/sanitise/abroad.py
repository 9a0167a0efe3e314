"""How one says in other languages that what was said before does not count.

Expressions as in `injections`, parted by empty lines: in Latin script first, without accents, and
then in others, in which a space is a space.
"""
# ruff: noqa: RUF001 - words of other scripts are of their letters

ABROAD = r"""
(?:ignor[ae]n?|olvid[ae]n?|descart[ae]|omit[ae]|haz caso omiso de)(?: (?:todas?|todos?|las?|los
|el|tus|sus|mis|de|cualquier))* (?:instruccion(?:es)?|indicaciones|ordenes|reglas|directrices
|mensajes)(?: que)? (?:anterior(?:es)?|previ[ao]s?|de arriba|precedentes|del sistema|iniciales)

(?:ignor(?:e|er|ez|es)|oubli(?:e|er|ez|es)|neglige[rz]?|ne ten(?:ez|ir) pas compte)(?: (?:de
|des|toutes?|tous|les?|tes|vos|mes|ces|l))* (?:instructions?|consignes?|directives?|regles|ordres
|messages?)(?: (?:qui|sont))* (?:precedente?s?|anterieure?s?|ci dessus|initiale?s?|du systeme)

(?:ignorier(?:e|en|t)?|vergiss|vergessen|missacht(?:e|en)|verwirf)(?: (?:sie|alle|samtliche|die
|deine|ihre|meine|bitte|alles))* (?:bisherigen?|vorherigen?|vorigen?|vorangegangenen?|obigen?
|fruheren?|ursprunglichen?) (?:anweisung(?:en)?|instruktion(?:en)?|vorgaben|befehle|regeln
|anordnungen|nachrichten|prompts?|systemanweisungen)

(?:ignora(?:re|te)?|dimentica(?:re|te)?|trascura(?:re|te)?)(?: (?:tutte|tutti|le|i|gli|tue|vostre
|mie|ogni))* (?:istruzion[ei]|indicazioni|direttive|regole|ordini|comandi|messaggi) (?:
precedent[ei]|anteriori|di sopra|iniziali|di sistema|sopra)

(?:ignore|ignora|ignorem|esqueca|esquece|desconsidere|descarte)(?: (?:todas?|todos?|as?|os?|suas?
|minhas?|quaisquer))* (?:instruc(?:oes|ao)|orientacoes|ordens|regras|diretrizes|comandos|mensagens)
 (?:anterior(?:es)?|previas|acima|iniciais|do sistema)

(?:negeer|vergeet)(?: (?:alle|de|je|uw|al|mijn))* (?:vorige|voorgaande|eerdere|bovenstaande)
 (?:instructies|opdrachten|regels|aanwijzingen|berichten)

(?:zignoruj|ignoruj|zapomnij|pomin)(?: (?:o|wszystkie|wszystkich|swoje|te))* (?:poprzedni(?:
e|ch)|wczesniejsz(?:e|ych)|powyzsz(?:e|ych)) (?:instrukcj[ei]|polece(?:nia|n)|zasad[y]?|wytyczn
(?:e|ych))

(?:onceki|yukaridaki)(?: (?:tum|butun))* (?:talimat|komut|kural|yonerge)[a-z]* (?:yok say|unut
|gormezden gel|dikkate alma)

(?:bo qua|quen)(?: (?:tat ca|moi|cac|nhung))* (?:huong dan|chi dan|lenh|yeu cau|quy tac) (?:
truoc|o tren|ben tren)

abaikan(?: (?:semua|seluruh))* (?:instruksi|perintah|petunjuk|aturan) (?:sebelumnya|di atas)
"""
FURTHER = r"""
(?:игнорируй|игнорировать|проигнорируй|забудь|забыть|отмени)(?:те)?[ ,]+(?:(?:про|о|об|все|всё
|всех|эти|свои|твои|ваши|мои) +)*(?:предыдущи|прежни|прошлы|вышеуказанн|предшествующи|ранее данн
|системн)[а-я]+ +(?:инструкци|указани|команд|правил|сообщени|распоряжени)

(?:ігноруй|забудь)(?:те)? +(?:(?:про|всі|усі|ці|свої) +)*(?:попередн)[а-яіїє]+ +(?:інструкці
|вказівк|команд|правил)

(?:忽略|忽视|无视|無視|忘记|忘記|不要理会|不理会|不要遵守|不要遵循)[^\n。!]{0,6}(?:之前|以前
|先前|上面|以上|前面|此前|所有|系统|系統)[^\n。!]{0,8}(?:指令|指示|提示|说明|說明|规则|規則
|命令|要求|内容|內容)

(?:これまで|以前|今まで|前|上記|先ほど|すべて|全て)[^\n。]{0,8}(?:指示|命令|指令|プロンプト
|ルール|説明)[^\n。]{0,8}(?:無視|忘れ)

(?:이전|위의|앞의|앞선|기존|지금까지|모든)[^\n.]{0,8}(?:지시|지침|명령|프롬프트|규칙)[^\n.]{0,8}
(?:무시|잊)

(?:تجاهل|انس|أهمل|اهمل)[^\n.]{0,12}(?:التعليمات|الأوامر|الاوامر|القواعد|التوجيهات|الإرشادات)[^\n.]{0,6}
(?:السابقة|أعلاه|المذكورة|الأصلية)

(?:दस्तूर|पिछले|पिछली|पूर्व|उपरोक्त|पहले के)[^\n।]{0,8}(?:निर्देश|आदेश|नियम)[^\n।]{0,10}(?:अनदेखा|अनदेखी|नज़रअंदाज
|नजरअंदाज|भूल)

(?:התעלם|התעלמי|התעלמו|שכח|שכחי)[^\n.]{0,8}(?:ההוראות|ההנחיות|הכללים|הפקודות)[^\n.]{0,4}
(?:הקודמות|הקודמים|למעלה|הנל)
"""
